"""The gateway over HTTP, with stand-ins for the functions."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from aiohttp import web

from local.gateway import Gateway
from local.http_api import LARGEST_BODY
from local.ports import choose_port
from local.sandbox_process import TOO_LARGE, Invocation, Outcome
from local.template import Route, Template


class Echo:
    """Answers with its event, or however the request's body asks for."""

    def __init__(self) -> None:
        self.finished: list[str] = []

    async def invoke(self, invocation: Invocation) -> Outcome:
        event = invocation.event
        match event.get("body"):
            case "fail":
                return Outcome({"errorType": "E", "errorMessage": "m"}, failed=True)
            case "too large":
                return Outcome({"errorType": TOO_LARGE, "errorMessage": "m"}, failed=True)
            case "malformed":
                return Outcome({"statusCode": "?"})
            case "slow":
                await asyncio.sleep(0.6)
                self.finished.append(invocation.request_id)
            case "cookies":
                return Outcome({"statusCode": 201, "cookies": ["a=1", "b=2"], "body": "made"})
        return Outcome(event)


TEMPLATE = Template(
    functions={},
    routes=(Route("POST", "/echo/{id}", "Echo", 0.3), Route("GET", "/echo/{id}", "Echo", 0.3)),
)


@pytest.fixture
def serve() -> Callable[..., Any]:
    """Run a scenario with a client of a gateway."""

    def serve(scenario: Callable[..., Any], lines: list[str] | None = None) -> Any:
        async def main() -> Any:
            echo = Echo()
            report = (lines if lines is not None else []).append
            gateway = Gateway(TEMPLATE, {"Echo": echo}, report)
            port = choose_port(("127.0.0.1",), None, "test")
            await gateway.start("127.0.0.1", port)
            url = f"http://127.0.0.1:{port}"
            try:
                async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                    return await scenario(client, echo)
            finally:
                await gateway.stop()

        return asyncio.run(main())

    return serve


def post(body: str | bytes, **more: Any) -> Callable[..., Any]:
    headers = {"content-type": "text/plain"} | more.pop("headers", {})

    async def scenario(client: httpx.AsyncClient, _echo: Echo) -> httpx.Response:
        return await client.post("/echo/7", content=body, headers=headers, **more)

    return scenario


def test_a_request_becomes_an_event(serve):
    answer = serve(post("hello", headers={"X-Own": "1"}, params={"a": "b c"}))
    event = answer.json()
    assert answer.status_code == 200
    assert event["routeKey"] == "POST /echo/{id}"
    assert event["pathParameters"] == {"id": "7"}
    assert event["queryStringParameters"] == {"a": "b c"}
    assert event["headers"]["x-own"] == "1"
    assert event["body"] == "hello"
    assert event["requestContext"]["requestId"] == answer.headers["apigw-requestid"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("PUT", "/echo/7"), ("GET", "/echo")])
def test_what_no_route_is_for_is_not_found(serve, method: str, path: str):
    answer = serve(lambda client, _: client.request(method, path))
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_cookies_of_an_answer_become_headers(serve):
    answer = serve(post("cookies"))
    assert (answer.status_code, answer.text) == (201, "made")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("body", ["fail", "malformed"])
def test_a_function_that_fails_is_an_internal_error_without_details(serve, body: str):
    lines: list[str] = []
    answer = serve(post(body), lines)
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    assert lines[0].startswith("Echo ")


def test_the_gateway_stops_waiting_but_the_function_runs_on(serve):
    async def scenario(client: httpx.AsyncClient, echo: Echo) -> tuple[httpx.Response, int]:
        answer = await post("slow")(client, echo)
        await asyncio.sleep(0.5)
        return answer, len(echo.finished)

    answer, finished = serve(scenario)
    assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})
    assert finished == 1


def test_a_body_above_the_limit_is_refused(serve):
    answer = serve(post(b"x" * (LARGEST_BODY + 1)))
    assert (answer.status_code, answer.json()) == (413, {"message": "Request Entity Too Large"})


def test_an_event_above_lambdas_limit_is_refused_alike(serve):
    assert serve(post("too large")).status_code == 413


def test_requests_are_served_at_once(serve):
    async def scenario(client: httpx.AsyncClient, echo: Echo) -> list[httpx.Response]:
        return await asyncio.gather(*(post(f"{n}")(client, echo) for n in range(50)))

    bodies = {answer.json()["body"] for answer in serve(scenario)}
    assert bodies == {str(number) for number in range(50)}


def test_small_answers_are_not_held_back(serve, monkeypatch):
    options: list[int] = []
    respond = Gateway._respond

    async def look_at_the_socket(self: Gateway, incoming: web.Request, identity: Any) -> Any:
        assert incoming.transport is not None
        connection = incoming.transport.get_extra_info("socket")
        options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return await respond(self, incoming, identity)

    monkeypatch.setattr(Gateway, "_respond", look_at_the_socket)
    serve(post("hello"))
    assert options == [1]


class TestInvoke:
    """Lambda's own interface."""

    @staticmethod
    def invoke(name: str, body: str, **headers: str) -> Callable[..., Any]:
        path = f"/2015-03-31/functions/{name}/invocations"
        return lambda client, _: client.post(path, content=body, headers=headers)

    @pytest.mark.parametrize(
        "name",
        ["Echo", "Echo:live", "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3AEcho"],
    )
    def test_a_function_is_invoked_by_name_or_arn(self, serve, name: str):
        answer = serve(self.invoke(name, '{"a": 1}'))
        assert (answer.status_code, answer.json()) == (200, {"a": 1})
        assert "x-amz-function-error" not in answer.headers

    def test_an_error_of_the_function_is_marked(self, serve):
        answer = serve(self.invoke("Echo", json.dumps({"body": "fail"})))
        assert answer.status_code == 200
        assert answer.headers["x-amz-function-error"] == "Unhandled"
        assert answer.json()["errorType"] == "E"

    def test_an_asynchronous_invocation_is_not_waited_for(self, serve):
        event = {"x-amz-invocation-type": "Event"}
        assert serve(self.invoke("Echo", "{}", **event)).status_code == 202

    def test_an_unknown_function_is_not_found(self, serve):
        answer = serve(self.invoke("Nope", "{}"))
        assert (answer.status_code, answer.json()) == (404, {"message": "Function not found: Nope"})

    def test_an_event_that_is_no_json_is_refused(self, serve):
        assert serve(self.invoke("Echo", "{")).status_code == 400
