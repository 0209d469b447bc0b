"""The HTTP side: bodies in, answers and problem details (RFC 9457) out, and who is calling."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel

from control_plane import errors
from control_plane.errors import ControlPlaneError, Fault, InvalidRequest, MalformedRequest
from control_plane.json_text import read_json
from control_plane.limits import Limits
from control_plane.observability import count_failure, logger
from control_plane.requests import Caller, check_key, read_id, read_model
from control_plane.trace_context import trace_from_headers

if TYPE_CHECKING:  # functions that start nothing do without templates and YAML
    from control_plane.executions import Execution, StartAnswer

__all__ = ("ControlPlaneApi", "Response", "ok", "started", "status_of")

Body = TypeVar("Body", bound=BaseModel)
Route = Callable[..., Response[Any]]

RETRY_AFTER = "2"
"""Seconds after which a caller may ask again."""

STATUS: dict[type[ControlPlaneError], HTTPStatus] = {
    errors.MalformedRequest: HTTPStatus.BAD_REQUEST,
    errors.PlaybookSyntaxError: HTTPStatus.BAD_REQUEST,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.CatalogVersionsExhausted: HTTPStatus.CONFLICT,
    errors.LimitExceeded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.RequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ControlPlaneError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of each error; a class that is not listed has that of its nearest ancestor."""


class HttpEvent(APIGatewayProxyEventV2):
    """An event whose headers are copied once, and not at each look at them."""

    @functools.cached_property
    def headers(self) -> dict[str, str]:
        """All headers, their names in lower case."""
        return {name.lower(): value for name, value in (self.get("headers") or {}).items()}

    @property
    def resolved_headers_field(self) -> dict[str, Any]:
        """What the resolver looks at: the same, since none of it is split into lists."""
        return self.headers


class ControlPlaneApi(APIGatewayHttpResolver):
    """A resolver whose every answer, errors included, has the shape of the contract."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits
        self.not_found(self._no_route)
        self.exception_handler(ControlPlaneError)(self._expected)
        self.exception_handler(Exception)(self._unexpected)

    def post_json(
        self, path: str, body: type[Body], *, may_be_empty: bool = False
    ) -> Callable[[Route], Route]:
        """Register ``POST path`` for a function of the validated body and of the path's ids.

        Powertools' own validation is left out: it unwraps arrays and echoes input. The wrapped
        function keeps its signature, from which the OpenAPI document is made.

        :param may_be_empty: whether no body is taken for an empty object
        """

        def read() -> Body:
            is_empty = may_be_empty and not self.current_event.raw_event.get("body")
            return read_model(body, {} if is_empty else self.read_body())

        return self._route("POST", path, lambda: (read(),))

    def get_json(self, path: str, query: type[Body] | None = None) -> Callable[[Route], Route]:
        """Register ``GET path`` for a function of the validated query and of the path's ids."""

        def read() -> tuple[Body, ...]:
            if query is None:
                return ()
            return (read_model(query, self.current_event.query_string_parameters),)

        return self._route("GET", path, read)

    def _route(
        self, method: str, path: str, read: Callable[[], tuple[BaseModel, ...]]
    ) -> Callable[[Route], Route]:
        def register(function: Route) -> Route:
            @functools.wraps(function)
            def route(**parameters: str) -> Response[Any]:
                ids = {name: _id(name, text) for name, text in parameters.items()}
                return function(*read(), **ids)

            summary = (function.__doc__ or "").partition("\n")[0].rstrip(".")
            self.route(path, method, summary=summary)(route)
            return route

        return register

    def _to_proxy_event(self, event: dict[str, Any]) -> HttpEvent:
        return HttpEvent(event)

    def read_body(self) -> Any:
        """Parse the request's body.

        :raises MalformedRequest: not base64, not UTF-8, not JSON, with the position
        :raises LimitExceeded: larger or deeper than the limits
        """
        event = self.current_event.raw_event
        body = event.get("body") or ""
        if not event.get("isBase64Encoded"):
            return read_json(body.encode("utf-8", "surrogatepass"), self._limits)
        size = len(body) * 3 // 4
        if size > self._limits.body_bytes + 2:
            raise errors.LimitExceeded("request body in bytes", self._limits.body_bytes, size)
        try:
            decoded = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise MalformedRequest("The request body is not base64") from None
        return read_json(decoded, self._limits)

    @property
    def incident(self) -> str:
        """The invocation's id, under which the log has what went wrong inside."""
        return str(getattr(self.lambda_context, "aws_request_id", "unknown"))

    def caller(self) -> Caller:
        """Say who sent the current request, by what the authorizer found."""
        context = self.current_event.raw_event["requestContext"]
        # API Gateway's id names the request, Lambda's the invocation. Either would do there;
        # `sam local start-api` gives every request of a session the same id.
        invocation = getattr(self.lambda_context, "aws_request_id", "")
        return Caller(
            source="http",
            principal=_principal(context),
            request_id=f"{context.get('requestId')}/{invocation}",
            trace=trace_from_headers(self.current_event.headers),
        )

    def idempotency_key(self) -> str | None:
        """Return the header ``Idempotency-Key``, None without one.

        :raises InvalidRequest: empty, given twice, or not visible ASCII
        """
        key = self.current_event.headers.get("idempotency-key")
        if key is None:
            return None
        try:
            if "," in key:
                raise ValueError("must be given once and hold no comma")  # noqa: TRY301
            return check_key(key)
        except ValueError as error:
            raise InvalidRequest(faults=(Fault("header Idempotency-Key", str(error)),)) from None

    def flag(self, name: str) -> bool:
        """Return a flag of the query string, False without one.

        :raises InvalidRequest: neither ``true`` nor ``false``: a mistyped flag must do no harm
        """
        value = self.current_event.query_string_parameters.get(name, "false")
        if value not in ("true", "false"):
            raise InvalidRequest(faults=(Fault(f"query {name}", "must be true or false"),))
        return value == "true"

    def is_called_by_cli(self) -> bool:
        """Tell whether NoETL's command line sent the request: it alone has no ``User-Agent``."""
        return not self.current_event.headers.get("user-agent")

    def page(self, body: Any, cursor: str | None) -> Response[Any]:
        """Answer a page; the header ``Link`` leads to the next one, where there is one."""
        if cursor is None:
            return ok(body)
        event = self.current_event.raw_event
        given = self.current_event.query_string_parameters
        query = {name: given[name] for name in given if name != "offset"} | {"cursor": cursor}
        link = f'<{quote(event["rawPath"])}?{urlencode(query)}>; rel="next"'
        return ok(body, {"Link": link})

    def _no_route(self, _: Exception) -> Response[str]:
        http = self.current_event.request_context.http
        return self._problem(
            HTTPStatus.NOT_FOUND, "NoSuchRoute", f"No route {http.method} {http.path}"
        )

    def _expected(self, error: ControlPlaneError) -> Response[str]:
        status = status_of(error)
        name = type(error).__name__
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error(error.message, error=name, cause=repr(error.__cause__))
        else:
            logger.info("request refused", error=name, status=int(status))
        count_failure(error)
        return self._problem(status, name, error.message, getattr(error, "faults", ()))

    def _unexpected(self, error: Exception) -> Response[str]:
        logger.exception("internal error", incident=self.incident, exc_info=error)
        count_failure(error)
        internal = errors.InternalError(self.incident)
        return self._problem(status_of(internal), "InternalError", internal.message)

    def _problem(
        self, status: HTTPStatus, name: str, detail: str, faults: tuple[Fault, ...] = ()
    ) -> Response[str]:
        body: dict[str, Any] = {
            "error": detail,
            "status": int(status),
            "type": "urn:noetl:problem:" + _kebab(name),
            "title": _kebab(name).replace("-", " ").capitalize(),
            "detail": detail,
            "instance": f"urn:uuid:{getattr(self.lambda_context, 'aws_request_id', '')}",
        }
        if faults:
            body["errors"] = [{"where": fault.where, "what": fault.what} for fault in faults]
        headers = {"Retry-After": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        return Response(status, "application/problem+json", json.dumps(body), headers=headers)


def status_of(error: ControlPlaneError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    return next(STATUS[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS)


def ok(body: Any, headers: dict[str, str | list[str]] | None = None) -> Response[Any]:
    """Answer 200 with a JSON body."""
    return Response(HTTPStatus.OK, "application/json", json.dumps(body), headers=headers)


def started(execution: Execution) -> Response[StartAnswer]:
    """Answer a start; the header ``Idempotent-Replayed`` marks one that was answered before."""
    return ok(execution.answer, {"Idempotent-Replayed": "true"} if execution.replayed else None)


def _principal(context: dict[str, Any]) -> str:
    """``userId`` under IAM, ``issuer|subject`` under JWT, else ``anonymous``.

    A colon in a JWT subject is escaped: the stored key separates its parts by colons, and a
    subject that anyone may choose must not reach into another's keys. IAM's ids hold at most the
    one colon that AWS puts there.
    """
    authorizer = context.get("authorizer") or {}
    if user_id := (authorizer.get("iam") or {}).get("userId"):
        return str(user_id)
    if claims := (authorizer.get("jwt") or {}).get("claims"):
        subject = str(claims.get("sub", "")).replace("%", "%25").replace(":", "%3A")
        return f"{claims.get('iss', '')}|{subject}"
    return "anonymous"


def _id(name: str, text: str) -> int:
    try:
        return read_id(text)
    except ValueError as error:
        raise InvalidRequest(faults=(Fault(name, str(error)),)) from None


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
