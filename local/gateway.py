"""The HTTP API on this machine: the template's routes, in front of the functions' sandboxes.

Beside them it answers Lambda's own ``Invoke``, so that ``aws lambda invoke --endpoint-url`` works,
and what the functions send to the dead-letter queue.
It asks nobody who they are: authorizers are for AWS.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from aiohttp import web

from local.http_api import (
    LARGEST_BODY,
    EventIdentity,
    HttpRequest,
    HttpResponse,
    MalformedAnswer,
    build_event,
    read_answer,
)
from local.queue_file import TARGET, QueueFile
from local.sandbox_process import TOO_LARGE, Invocation, Outcome
from local.template import Route, Template

_INVOKE = "/2015-03-31/functions/"


class Invocable(Protocol):
    """What runs a function: a pool of sandboxes, or a stand-in."""

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler."""
        ...


class Gateway:
    """An HTTP server; asyncio sets TCP_NODELAY on its connections.

    :param report: is told one line per request
    :param dead_letters: the queue that the functions send to
    """

    def __init__(
        self,
        template: Template,
        functions: Mapping[str, Invocable],
        report: Callable[[str], None],
        dead_letters: QueueFile | None = None,
    ) -> None:
        self._template = template
        self._dead_letters = dead_letters
        self._functions = functions
        self._report = report
        self._running: set[asyncio.Task[Outcome]] = set()
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        # API Gateway passes a compressed body on as it is.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=1, auto_decompress=False
        )

    async def start(self, host: str, port: int) -> None:
        """Listen.

        :raises OSError: the port is taken
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        """Stop listening; requests get a second to finish."""
        await self._runner.cleanup()
        for task in self._running:
            task.cancel()

    async def _serve(self, incoming: web.Request) -> web.Response:
        begun = time.monotonic()
        identity = EventIdentity()
        response = await self._respond(incoming, identity)
        took = (time.monotonic() - begun) * 1000
        path = incoming.raw_path.partition("?")[0]
        self._report(f"{incoming.method} {path} {response.status} {took:.0f} ms")
        answer = web.Response(status=response.status, body=response.body)
        for name, value in response.headers:
            answer.headers.add(name, value)
        answer.headers["Apigw-Requestid"] = identity.request_id
        return answer

    async def _respond(self, incoming: web.Request, identity: EventIdentity) -> HttpResponse:
        try:
            body = await incoming.read()
        except web.HTTPRequestEntityTooLarge:
            return _message(413, "Request Entity Too Large")
        request = HttpRequest(
            method=incoming.method,
            target=incoming.raw_path,
            headers=tuple(incoming.headers.items()),
            body=body,
            source_ip=incoming.remote or "127.0.0.1",
            protocol=f"HTTP/{incoming.version.major}.{incoming.version.minor}",
        )
        if request.method == "POST" and request.path.startswith(_INVOKE):
            return await self._invoke_directly(request)
        target = incoming.headers.get("x-amz-target", "")
        if self._dead_letters and target.startswith(TARGET):
            return _json(*self._dead_letters.answer(target, body))
        found = self._template.route(request.method, request.path)
        if found is None:
            return _message(404, "Not Found")
        return await self._call(request, *found, identity)

    async def _call(
        self,
        request: HttpRequest,
        route: Route,
        path_parameters: Mapping[str, str],
        identity: EventIdentity,
    ) -> HttpResponse:
        event = build_event(request, route.key, path_parameters, identity)
        invocation = Invocation(event, trace_id=event["headers"]["x-amzn-trace-id"])
        task = self._begin(route.function, invocation)
        try:
            # The gateway gives up waiting; the function runs on until its own timeout.
            outcome = await asyncio.wait_for(asyncio.shield(task), route.timeout)
        except TimeoutError:
            return _message(503, "Service Unavailable")
        if outcome.failed and outcome.payload["errorType"] == TOO_LARGE:
            return _message(413, "Request Entity Too Large")
        if outcome.failed:
            self._report(f"{route.function} failed: {outcome.payload['errorMessage']}")
            return _message(500, "Internal Server Error")
        try:
            return read_answer(outcome.payload)
        except MalformedAnswer as error:
            self._report(f"{route.function} gave a malformed answer: {error}")
            return _message(500, "Internal Server Error")

    async def _invoke_directly(self, request: HttpRequest) -> HttpResponse:
        name, _, _ = request.path.removeprefix(_INVOKE).partition("/")
        # A name, an ARN, or either with a version or alias behind it.
        parts = unquote(name).split(":")
        name = parts[6] if parts[0] == "arn" and len(parts) > 6 else parts[0]
        if name not in self._functions:
            return _message(404, f"Function not found: {name}")
        try:
            event = json.loads(request.body or b"{}")
        except (ValueError, RecursionError) as error:
            return _message(400, f"Could not parse request body into json: {error}")
        headers = {key.lower(): value for key, value in request.headers}
        task = self._begin(name, Invocation(event))
        if headers.get("x-amz-invocation-type") == "Event":
            return HttpResponse(202)
        outcome = await asyncio.shield(task)
        failed = (("x-amz-function-error", "Unhandled"),) if outcome.failed else ()
        body = json.dumps(outcome.payload, ensure_ascii=False).encode()
        return HttpResponse(200, (("content-type", "application/json"), *failed), body)

    def _begin(self, function: str, invocation: Invocation) -> asyncio.Task[Outcome]:
        task = asyncio.create_task(self._functions[function].invoke(invocation))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _message(status: int, text: str) -> HttpResponse:
    return _json(status, {"message": text})


def _json(status: int, value: Any) -> HttpResponse:
    body = json.dumps(value).encode()
    return HttpResponse(status, (("content-type", "application/json"),), body)
