from __future__ import annotations

import base64
import json

import pytest

from control_plane import errors
from control_plane.api import ControlPlaneApi, ok, started, status_of
from control_plane.direct import is_http, start_directly
from control_plane.errors import InvalidRequest, LimitExceeded, PlaybookNotFound, UnstorableValue
from control_plane.requests import ExecuteRequest
from tests.unit.control_plane import LIMITS, PATH, Context, ControlPlane, event


@pytest.fixture
def plane():
    return ControlPlane()


@pytest.fixture
def call(plane):
    """Send an event through the routes of the execute function, on fakes."""
    app = ControlPlaneApi(LIMITS)

    @app.post_json("/api/execute", ExecuteRequest)
    def execute(request):
        return started(plane.starter.start(request, app.caller(), app.idempotency_key()))

    def send(sample, **changes):
        answer = app.resolve(sample | changes, Context())
        answer["json"] = json.loads(answer["body"])
        return answer

    return send


@pytest.mark.parametrize(
    "name", ["by_path", "with_payload", "nested", "with_key", "iam_caller", "base64_body"]
)
def test_a_sample_event_starts_an_execution(plane, call, name):
    answer = call(event(f"execute_{name}"))
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["json"]["execution_id"] == str(plane.starts[0].ids.execution_id)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("iam_caller", "http:AROAIOSFODNN7EXAMPLE:nightly:"),
        ("jwt_caller", "http:https://login.example.com/|auth0|5f7c8ec7c33c6c004bbafe82:"),
        ("by_path", "http:anonymous:JKJaXmPLvHcESHA=/8f1b6a0e-0000-4000-8000-000000000001"),
        ("with_key", "http:anonymous:order-2026-10-28-0001"),
    ],
)
def test_a_key_belongs_to_who_the_authorizer_says_calls(plane, call, name, key):
    call(event(f"execute_{name}"))
    assert plane.starts[0].key.startswith(key)


def test_a_colon_in_a_subject_cannot_reach_into_anothers_keys(plane, call):
    for subject, key in (("alice", "x:y"), ("alice:x", "y")):
        sample = event("execute_jwt_caller")
        sample["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = subject
        sample["headers"]["idempotency-key"] = key
        assert call(sample)["statusCode"] == 200
    assert len(plane.starts) == 2


def test_a_replay_is_marked_by_a_header(call):
    first, again = call(event("execute_with_key")), call(event("execute_with_key"))
    assert first["json"] == again["json"]
    assert "Idempotent-Replayed" not in first["headers"]
    assert again["headers"]["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "a,b", " ", "é", "k" * 256])
def test_a_header_that_is_no_key_is_refused(plane, call, key):
    sample = event("execute_by_path")
    sample["headers"]["idempotency-key"] = key
    answer = call(sample)
    assert answer["statusCode"] == 422
    assert answer["json"]["errors"][0]["where"] == "header Idempotency-Key"
    assert plane.starts == []


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (None, 400, "is empty"),
        ("", 400, "is empty"),
        ("{", 400, "line 1"),
        ("[]", 422, "body: must be a JSON object"),
        ('[{"path": "examples/hello_world"}]', 422, "body: must be a JSON object"),
        ("5", 422, "body: must be a JSON object"),
        ("{}", 422, "Either 'path' or 'catalog_id' must be provided"),
        ('{"path": "no"}', 404, "Playbook not found: no"),
        ('{"catalog_id": 5}', 404, "Catalog entry not found: 5"),
        ('{"path": "a", "payload": {"x": "\\u0000"}}', 422, "body.payload.x"),
        ('{"path": "a", "payload": ' + "[" * 100_000, 413, "the limit is 64"),
        ('{"path": "' + "x" * LIMITS.body_bytes + '"}', 413, "the limit is 1048576"),
        ("\ud800", 400, "UTF-8"),
    ],
)
def test_a_refusal_is_a_problem_document(plane, call, body, status, message):
    answer = call(event("execute_by_path"), body=body)
    problem = answer["json"]
    assert (answer["statusCode"], problem["status"]) == (status, status)
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert message in problem["error"]
    assert problem["detail"] == problem["error"]
    assert problem["type"].startswith("urn:noetl:problem:")
    assert problem["instance"] == f"urn:uuid:{Context().aws_request_id}"
    assert plane.starts == []


def test_faults_are_listed_by_field(call):
    problem = call(event("execute_invalid"))["json"]
    assert {fault["where"] for fault in problem["errors"]} == {"payload", "parent_execution_id"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("not base64!", 400),
        (base64.b64encode(b"\xff\xfe").decode(), 400),
        (base64.b64encode(b"[1]").decode(), 422),
        (base64.b64encode(b" " * (LIMITS.body_bytes + 1)).decode(), 413),
        ("A" * 3_000_000, 413),
    ],
)
def test_a_base64_body_is_held_to_the_same_rules(call, body, status):
    answer = call(event("execute_by_path"), body=body, isBase64Encoded=True)
    assert answer["statusCode"] == status


def test_the_content_type_does_not_matter(plane, call):
    sample = event("execute_by_path")
    sample["headers"]["content-type"] = "text/plain"
    assert call(sample)["statusCode"] == 200


def test_an_unknown_route_is_a_problem_document_too(call):
    sample = event("execute_by_path")
    sample["requestContext"]["http"]["path"] = sample["rawPath"] = "/api/none"
    answer = call(sample)
    assert (answer["statusCode"], answer["json"]["error"]) == (404, "No route POST /api/none")


def test_an_unavailable_database_is_told_with_a_time_to_come_back(plane, call, monkeypatch):
    def fail(*_, **__):
        raise errors.StoreUnavailable

    monkeypatch.setattr(plane.store, "resolve", fail)
    answer = call(event("execute_by_path"))
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["Retry-After"]) > 0


def test_a_defect_tells_an_incident_and_nothing_else(plane, call, monkeypatch, capsys):
    def fail(*_):
        raise ValueError("s3cr3t")

    monkeypatch.setattr(plane.store, "resolve", fail)
    answer = call(event("execute_by_path"))
    assert answer["statusCode"] == 500
    assert Context().aws_request_id in answer["json"]["error"]
    assert "s3cr3t" not in answer["body"]


def test_every_error_of_the_tree_has_a_status():
    leaves = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    for kind in leaves:
        if issubclass(kind, errors.ControlPlaneError):
            assert 400 <= status_of(kind.__new__(kind)) < 600


def test_a_bare_request_is_answered_with_the_object(plane):
    answer = start_directly(plane.starter, LIMITS, event("execute_direct"), "request-1")
    assert answer["execution_id"] == str(plane.starts[0].ids.execution_id)
    assert "replayed" not in answer
    assert plane.starts[0].key == "direct:anonymous:request-1"


def test_a_retried_invocation_is_answered_as_the_first_one(plane):
    first = start_directly(plane.starter, LIMITS, {"path": PATH}, "request-1")
    again = start_directly(plane.starter, LIMITS, {"path": PATH}, "request-1")
    assert again == {**first, "replayed": True}


@pytest.mark.parametrize(
    ("bare", "error"),
    [
        ({}, InvalidRequest),
        ([], InvalidRequest),
        (None, InvalidRequest),
        ({"Records": []}, InvalidRequest),
        ({"path": "none"}, PlaybookNotFound),
        ({"path": PATH, "payload": {"x": float("inf")}}, UnstorableValue),
        ({"path": PATH, "payload": {"x": [0] * 100_001}}, LimitExceeded),
    ],
)
def test_a_bare_request_that_cannot_be_served_raises_a_typed_error(plane, bare, error):
    assert not is_http(bare)
    with pytest.raises(error):
        start_directly(plane.starter, LIMITS, bare, "request-1")
    assert plane.starts == []


def test_a_defect_in_a_direct_invocation_names_the_incident_alone(plane, monkeypatch):
    def fail(*_):
        raise ValueError("s3cr3t")

    monkeypatch.setattr(plane.store, "resolve", fail)
    with pytest.raises(errors.InternalError) as caught:
        start_directly(plane.starter, LIMITS, {"path": PATH}, "request-1")
    assert caught.value.__suppress_context__
    assert "request-1" in caught.value.message


@pytest.mark.parametrize(
    ("query", "flag"), [(None, False), ({"dry_run": "true"}, True), ({"dry_run": "false"}, False)]
)
def test_a_flag_of_the_query_is_true_or_false(query, flag):
    app = ControlPlaneApi(LIMITS)

    @app.get_json("/health")
    def tell():
        return ok(app.flag("dry_run"))

    sample = event("health") | {"queryStringParameters": query}
    assert json.loads(app.resolve(sample, Context())["body"]) is flag
    sample["queryStringParameters"] = {"dry_run": "yes"}
    assert app.resolve(sample, Context())["statusCode"] == 422


def test_an_answer_repeats_no_more_of_a_path_than_a_path_may_have(call):
    body = json.dumps({"path": "é" * 500_000}, ensure_ascii=False)
    answer = call(event("execute_by_path"), body=body)
    assert answer["statusCode"] == 404
    assert answer["json"]["error"] == f"Playbook not found: {'é' * 1024}…"
    assert len(answer["body"]) < 20_000
