"""From an HTTP request to an event of payload format 2.0, and from an answer to a response."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from local.http_api import (
    EventIdentity,
    HttpRequest,
    HttpResponse,
    MalformedAnswer,
    build_event,
    read_answer,
)

JSON = ("Content-Type", "application/json")
AT_NOON = EventIdentity("JKJaXmPLvHcESHA=", "Root=1-69b8-0123", 1_772_366_400_000)


def event_of(
    method: str = "POST",
    target: str = "/api/execute",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> dict[str, Any]:
    request = HttpRequest(method, target, (("Host", "localhost:8082"), *headers), body)
    return build_event(request, f"{method} {target}", {}, AT_NOON)


def test_an_event_has_exactly_the_fields_of_the_format():
    event = event_of("POST", "/api/execute", (JSON, ("User-Agent", "curl/8")), b'{"path": "p"}')
    assert event == {
        "version": "2.0",
        "routeKey": "POST /api/execute",
        "rawPath": "/api/execute",
        "rawQueryString": "",
        "headers": {
            "content-length": "13",
            "content-type": "application/json",
            "host": "localhost:8082",
            "user-agent": "curl/8",
            "x-amzn-trace-id": "Root=1-69b8-0123",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "8082",
            "x-forwarded-proto": "http",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": "POST",
                "path": "/api/execute",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /api/execute",
            "stage": "$default",
            "time": "01/Mar/2026:12:00:00 +0000",
            "timeEpoch": 1_772_366_400_000,
        },
        "body": '{"path": "p"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/xml",
        "application/javascript",
        "application/problem+json",
        "application/atom+xml",
        "text/plain",
        "text/x-yaml",
    ],
)
def test_a_text_type_arrives_as_text(content_type: str):
    event = event_of(headers=(("content-type", content_type),), body="grüße".encode())
    assert (event["body"], event["isBase64Encoded"]) == ("grüße", False)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("content-type", ""),),
        (("content-type", "application/x-www-form-urlencoded"),),
        (("content-type", "application/octet-stream"),),
        (("content-type", "application/jsonp"),),
        (("content-type", "multipart/form-data; boundary=x"),),
        (JSON, ("content-encoding", "gzip")),
    ],
)
def test_any_other_type_arrives_in_base64(headers: tuple[tuple[str, str], ...]):
    event = event_of(headers=headers, body=b'{"path": "p"}')
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b'{"path": "p"}'


def test_bytes_that_are_no_text_arrive_in_base64_whatever_the_type_says():
    event = event_of(headers=(JSON,), body=b"\xff\xfe")
    assert event["isBase64Encoded"] is True


def test_without_a_body_there_is_no_body():
    event = event_of("GET", "/health")
    assert "body" not in event
    assert event["isBase64Encoded"] is False


def test_names_of_headers_are_in_lower_case_and_duplicates_joined():
    twice = (("Idempotency-Key", "a"), ("idempotency-key", "b"))
    assert event_of(headers=twice)["headers"]["idempotency-key"] == "a,b"


def test_headers_of_the_connection_end_at_the_gateway():
    event = event_of(headers=(("Connection", "keep-alive"), ("Transfer-Encoding", "chunked")))
    assert not {"connection", "transfer-encoding"} & event["headers"].keys()


def test_the_caller_is_added_to_those_it_speaks_for():
    event = event_of(headers=(("X-Forwarded-For", "203.0.113.7"),))
    assert event["headers"]["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"


def test_a_trace_that_came_along_is_kept():
    event = event_of(headers=(("X-Amzn-Trace-Id", "Root=1-1-1"),))
    assert event["headers"]["x-amzn-trace-id"] == "Root=1-1-1"


def test_cookies_have_a_field_of_their_own():
    event = event_of(headers=(("Cookie", "a=1; b=2"), ("Cookie", "c=3")))
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in event["headers"]


def test_the_query_is_given_raw_and_taken_apart():
    event = event_of("GET", "/api/executions?path=a%2Fb&status=X&status=Y&flag=&q=1+2")
    assert event["rawQueryString"] == "path=a%2Fb&status=X&status=Y&flag=&q=1+2"
    assert event["queryStringParameters"] == {
        "path": "a/b",
        "status": "X,Y",
        "flag": "",
        "q": "1 2",
    }


def test_the_path_is_decoded_and_without_the_query():
    event = event_of("GET", "/api/a%20b?x=1")
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/api/a b"


def test_path_parameters_are_there_when_the_route_has_some():
    request = HttpRequest("GET", "/api/executions/42")
    event = build_event(request, "GET /api/executions/{id}", {"id": "42"}, AT_NOON)
    assert event["pathParameters"] == {"id": "42"}


def test_request_ids_are_unique_and_look_like_the_gateways_own():
    ids = {EventIdentity().request_id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) == 16 and one.endswith("=") for one in ids)


def test_the_toolkit_of_the_functions_reads_the_event():
    event = APIGatewayProxyEventV2(event_of(headers=(JSON,), body=b'{"path": "p"}'))
    assert event.json_body == {"path": "p"}
    assert event.request_context.http.method == "POST"
    assert event.request_context.request_id == AT_NOON.request_id


@pytest.mark.parametrize(
    ("answer", "response"),
    [
        (
            {"statusCode": 200, "headers": {"Content-Type": "text/x"}, "body": "ü"},
            HttpResponse(200, (("content-type", "text/x"),), "ü".encode()),
        ),
        (
            {"statusCode": "204"},
            HttpResponse(204, (("content-type", "text/plain;charset=UTF-8"),)),
        ),
        (
            {
                "statusCode": 200,
                "headers": {"content-type": "image/png", "x-n": 3, "x-b": True},
                "cookies": ["a=1", "b=2"],
                "body": "AAE=",
                "isBase64Encoded": True,
            },
            HttpResponse(
                200,
                (
                    ("content-type", "image/png"),
                    ("x-n", "3"),
                    ("x-b", "true"),
                    ("set-cookie", "a=1"),
                    ("set-cookie", "b=2"),
                ),
                b"\x00\x01",
            ),
        ),
        ("Hello", HttpResponse(200, (("content-type", "application/json"),), b"Hello")),
        ({"a": 1}, HttpResponse(200, (("content-type", "application/json"),), b'{"a": 1}')),
        (None, HttpResponse(200, (("content-type", "application/json"),), b"null")),
    ],
)
def test_an_answer_becomes_a_response(answer: Any, response: HttpResponse):
    assert read_answer(answer) == response


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "teapot"},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
        {"statusCode": 200, "body": "\ud800"},
    ],
)
def test_a_malformed_answer_is_told(answer: Any):
    with pytest.raises(MalformedAnswer):
        read_answer(answer)
