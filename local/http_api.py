"""The HTTP API's payload format 2.0: from a request to an event, from an answer to a response.

Where AWS's documentation is silent, this follows what was observed on AWS: only ``text/*`` and a
few application types arrive as text, everything else base64-encoded, a missing content type and
forms included (curl's ``-d`` without ``-H`` sends a form); ``rawPath`` is decoded.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

ACCOUNT_ID = "123456789012"
LARGEST_BODY = 10 * 1024 * 1024
"""Bytes of a request body that API Gateway takes."""

_TEXT_TYPE = re.compile(r"text/.+|application/(json|javascript|xml|.+\+json|.+\+xml)")
_HOP_BY_HOP = frozenset({"connection", "expect", "keep-alive", "proxy-connection", "te"}) | {
    "trailer",
    "transfer-encoding",
    "upgrade",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came; ``target`` is path and query, still encoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        """The path, still encoded."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; a header may stand in it more than once."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class MalformedAnswer(Exception):
    """A function's answer that is no HTTP response."""


@dataclass(frozen=True, slots=True)
class EventIdentity:
    """What makes an event unlike any other."""

    request_id: str = field(
        # API Gateway's own form: fifteen characters of base64 and a padding sign
        default_factory=lambda: base64.b64encode(secrets.token_bytes(11)).decode()
    )
    trace_id: str = field(
        default_factory=lambda: f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    )
    epoch_ms: int = field(default_factory=lambda: int(time.time() * 1000))


def build_event(
    request: HttpRequest,
    route_key: str,
    path_parameters: Mapping[str, str],
    identity: EventIdentity,
) -> dict[str, Any]:
    """Return the event that the function gets."""
    headers = _headers(request, identity)
    cookies = [cookie for cookie in headers.pop("cookie", "").split("; ") if cookie]
    raw_path, _, query = request.target.partition("?")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": unquote(raw_path),
        "rawQueryString": query,
        "headers": headers,
    }
    if cookies:
        event["cookies"] = cookies
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    event["requestContext"] = _request_context(request, route_key, headers, identity)
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    text = _text(request.body, headers)
    if request.body:
        event["body"] = base64.b64encode(request.body).decode() if text is None else text
    event["isBase64Encoded"] = bool(request.body) and text is None
    return event


def _headers(request: HttpRequest, identity: EventIdentity) -> dict[str, str]:
    # Cookies are joined as the browser would have, so that they can be taken apart again.
    cookies = [value for name, value in request.headers if name.lower() == "cookie"]
    others = [(name.lower(), value) for name, value in request.headers]
    headers = _joined([(name, value) for name, value in others if name not in _HOP_BY_HOP])
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    headers.setdefault("content-length", str(len(request.body)))
    headers.setdefault("x-amzn-trace-id", identity.trace_id)
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = (
        f"{forwarded}, {request.source_ip}" if forwarded else (request.source_ip)
    )
    headers["x-forwarded-port"] = headers.get("host", "").partition(":")[2] or "80"
    headers["x-forwarded-proto"] = "http"
    return dict(sorted(headers.items()))


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _request_context(
    request: HttpRequest, route_key: str, headers: Mapping[str, str], identity: EventIdentity
) -> dict[str, Any]:
    domain = headers.get("host", "localhost").partition(":")[0]
    moment = time.gmtime(identity.epoch_ms / 1000)
    return {
        "accountId": ACCOUNT_ID,
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": identity.request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", moment),
        "timeEpoch": identity.epoch_ms,
    }


def _text(body: bytes, headers: Mapping[str, str]) -> str | None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _TEXT_TYPE.fullmatch(media_type) or "content-encoding" in headers:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def read_answer(answer: Any) -> HttpResponse:
    """Return the response that a function's answer stands for.

    Without ``statusCode`` the whole answer is the body of a 200.

    :raises MalformedAnswer: API Gateway says 500 to that
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return HttpResponse(200, (("content-type", "application/json"),), text.encode())
    status = _status(answer["statusCode"])
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise MalformedAnswer("body is no string")
    given, cookies = answer.get("headers") or {}, answer.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise MalformedAnswer("headers is no object, or cookies no list")
    headers = {name.lower(): _header(value) for name, value in given.items()}
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    set_cookies = [("set-cookie", _header(cookie)) for cookie in cookies]
    return HttpResponse(status, (*headers.items(), *set_cookies), _body(body, answer))


def _status(value: Any) -> int:
    is_number = isinstance(value, int | str) and re.fullmatch(r"[1-5]\d\d", str(value), re.ASCII)
    if not is_number:
        raise MalformedAnswer("statusCode is no HTTP status")
    return int(value)


def _header(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise MalformedAnswer("a header is no string")
    if "\n" in str(value) or "\r" in str(value):
        raise MalformedAnswer("a header has more than one line")
    return str(value)


def _body(text: str, answer: Mapping[str, Any]) -> bytes:
    try:
        if answer.get("isBase64Encoded"):
            return base64.b64decode(text, validate=True)
        return text.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedAnswer("body is no base64, or no text") from error
