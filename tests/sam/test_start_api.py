"""The HTTP API as `sam local start-api` serves it from the template."""

from __future__ import annotations

import httpx
import pytest

pytestmark = [pytest.mark.sam, pytest.mark.timeout(600)]

PLAYBOOK = """
apiVersion: noetl.io/v2
kind: Playbook
metadata: {name: over_http, path: examples/over_http}
workload: {city: Oslo}
workflow:
  - step: start
    tool: {kind: http, url: "https://weather.example.com/{{ city }}"}
"""


@pytest.fixture
def api(start_api):
    with httpx.Client(base_url=start_api, timeout=60) as client:
        yield client


def test_the_api_is_healthy_under_both_paths(api):
    for path in ("/health", "/api/health"):
        assert api.get(path).json()["status"] == "ok"


def test_what_was_registered_can_be_started(api, installation):
    registered = api.post("/api/catalog/register", json={"content": PLAYBOOK})
    assert registered.status_code == 200, registered.text

    started = api.post(
        "/api/execute", json={"path": "examples/over_http", "payload": {"city": "Bergen"}}
    )

    assert started.status_code == 200, started.text
    recorded = installation.recorded(started.json()["execution_id"])
    (command,) = recorded.commands
    assert command["context"]["tool_config"]["url"] == "https://weather.example.com/Bergen"
    assert len(recorded.messages) == 1


def test_the_same_key_is_answered_as_the_first_time(api):
    request = {"path": "examples/hello_world"}
    first, second = (
        api.post("/api/execute", json=request, headers={"Idempotency-Key": "start-api-1"})
        for _ in range(2)
    )
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


def test_two_requests_without_key_are_two_executions(api):
    request = {"path": "examples/hello_world"}
    ids = {api.post("/api/execute", json=request).json()["execution_id"] for _ in range(2)}
    assert len(ids) == 2


def test_an_error_is_a_problem_document(api):
    answer = api.post("/api/execute", json={})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["error"] == "Either 'path' or 'catalog_id' must be provided"
    assert body["status"] == 422
