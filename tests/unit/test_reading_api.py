"""The routes that read, cancel and rerun, on fakes: what a client sees."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from control_plane.api import ControlPlaneApi, ok, started
from control_plane.cancellation import Canceller, CancelRequest
from control_plane.monitor.monitor import Monitor
from control_plane.monitor.queries import EventQuery, ExecutionQuery
from control_plane.requests import RerunRequest
from control_plane.rerun import Rerunner
from tests.unit.control_plane import LIMITS, PATH, Context, ControlPlane, event

NOON = datetime(2026, 10, 28, 12)
HUGE = {"status": "COMPLETED", "context": {"text": "x" * 3_000_000}}


@pytest.fixture
def plane():
    return ControlPlane(pools="shared gpu")


@pytest.fixture
def call(plane):
    """Send a request through the routes, on fakes."""
    app, log = ControlPlaneApi(LIMITS), plane.backend.execution_log()
    monitor, canceller = Monitor(log), Canceller(log)
    rerunner = Rerunner(log, plane.starter)
    path = "/api/executions/<execution_id>"
    app.get_json("/api/executions", ExecutionQuery)(lambda query: app.page(*monitor.list(query)))
    app.get_json(path)(lambda execution_id: ok(monitor.show(execution_id)))
    app.get_json(f"{path}/status")(lambda execution_id: ok(monitor.status(execution_id)))

    @app.get_json(f"{path}/events", EventQuery)
    def events(query, execution_id):
        return ok(monitor.events(execution_id, query))

    @app.post_json(f"{path}/cancel", CancelRequest, may_be_empty=True)
    def cancel(request, execution_id):
        return ok(canceller.cancel(execution_id, request))

    @app.post_json(f"{path}/rerun", RerunRequest, may_be_empty=True)
    def rerun(request, execution_id):
        answer = rerunner.rerun(execution_id, request, app.caller(), app.idempotency_key())
        return started(answer)

    def send(target, body=None, method="GET", headers=None):
        sample = event("execute_by_path" if body is not None or method == "POST" else "health")
        url = urlsplit(target)
        sample["rawPath"] = url.path
        sample["queryStringParameters"] = dict(parse_qsl(url.query, keep_blank_values=True))
        sample["requestContext"]["http"] |= {"path": url.path, "method": method}
        sample["body"] = "" if body is None else json.dumps(body)
        sample["headers"] |= headers or {}
        answer = app.resolve(sample, Context())
        answer["json"] = json.loads(answer["body"])
        return answer

    return send


@pytest.fixture
def add(plane):
    """Append the n-th execution, started n seconds after noon."""

    def append(n, *events, **columns):
        at = NOON + timedelta(seconds=n)
        for place, event_type in enumerate(["playbook_started", *events], start=1):
            plane.backend.append(
                n,
                n * 100 + place,
                event_type,
                catalog_id=plane.catalog_id,
                created_at=at + timedelta(milliseconds=place - 1),
                node_name="start",
                **(columns if place == 1 else {}),
            )

    return append


def test_the_list_is_an_array_with_a_link_to_the_next_page(call, add, plane):
    for n in range(1, 6):
        add(n)
    first = call("/api/executions?limit=2&path=examples/hello_world&offset=0")
    assert [one["execution_id"] for one in first["json"]] == ["5", "4"]
    link, relation = first["headers"]["Link"].split("; ")
    assert relation == 'rel="next"'
    second = call(link.strip("<>"))
    assert [one["execution_id"] for one in second["json"]] == ["3", "2"]
    last = call(second["headers"]["Link"].split(";")[0].strip("<>"))
    assert [one["execution_id"] for one in last["json"]] == ["1"]
    assert "Link" not in last["headers"]


def test_an_execution_in_the_list_has_exactly_these_members(call, add, plane):
    add(1, "playbook_completed")
    assert call("/api/executions")["json"] == [
        {
            "execution_id": "1",
            "catalog_id": str(plane.catalog_id),
            "path": PATH,
            "status": "COMPLETED",
            "started_at": "2026-10-28T12:00:01.000000Z",
            "completed_at": "2026-10-28T12:00:01.001000Z",
            "event_count": 2,
        }
    ]


@pytest.mark.parametrize(
    "query", ["cursor=abc", "cursor=AAAAAAAAAAA", "limit=0", "status=done", "catalog_id=x"]
)
def test_what_nobody_could_mean_is_422(call, query):
    assert call(f"/api/executions?{query}")["statusCode"] == 422


def test_a_cursor_goes_with_its_filters_alone(call, add):
    for n in range(1, 4):
        add(n)
    link = call("/api/executions?limit=1")["headers"]["Link"].split(";")[0].strip("<>")
    assert call(link)["statusCode"] == 200
    assert call(link + "&limit=2")["statusCode"] == 200
    assert call(link + "&status=RUNNING")["statusCode"] == 422


@pytest.mark.parametrize("number", ["abc", "-1", "1.0", str(2**63), "%20"])
@pytest.mark.parametrize("suffix", ["", "/status", "/events"])
def test_an_id_that_is_no_number_is_422(call, number, suffix):
    answer = call(f"/api/executions/{number}{suffix}")
    assert answer["statusCode"] == 422
    assert answer["json"]["errors"][0]["where"] == "execution_id"


@pytest.mark.parametrize("suffix", ["", "/status", "/events"])
def test_an_unknown_execution_is_404(call, suffix):
    answer = call(f"/api/executions/7{suffix}")
    assert (answer["statusCode"], answer["json"]["error"]) == (404, "Execution not found: 7")


def test_an_execution_is_shown_with_its_input_and_events(call, add):
    workload = {"name": "Ada"}
    add(1, "command.issued", parent_execution_id=9, context={"workload": workload})
    shown = call("/api/executions/1?page=1&page_size=10")["json"]
    assert (shown["parent_execution_id"], shown["workload"]) == ("9", workload)
    assert shown["events_next"] is None
    assert shown["events"][1] == {
        "event_id": "102",
        "event_type": "command.issued",
        "node_name": "start",
        "status": None,
        "created_at": "2026-10-28T12:00:01.001000Z",
        "result": None,
        "error": None,
    }


def test_a_thousand_events_come_and_the_rest_is_led_to(call, plane):
    for number in range(1, 1004):
        plane.backend.append(1, number, "step.enter", catalog_id=plane.catalog_id)
    shown = call("/api/executions/1")["json"]
    assert (len(shown["events"]), shown["events_next"]) == (1000, "1000")
    rest = call(f"/api/executions/1/events?after={shown['events_next']}")["json"]
    assert [one["event_id"] for one in rest["events"]] == ["1001", "1002", "1003"]
    assert (rest["execution_id"], rest["events_next"]) == ("1", None)


def test_an_answer_stays_below_what_lambda_takes(call, plane, add):
    add(1, context={"workload": {"text": '"' * 1_500_000}})
    for number in range(200, 203):
        plane.backend.append(1, number, "step.exit", catalog_id=plane.catalog_id, result=HUGE)
    answer = call("/api/executions/1")
    shown = answer.pop("json")
    assert len(json.dumps(answer)) < 6_000_000
    assert shown["workload"] is None
    assert [one["event_id"] for one in shown["events"]] == ["101", "200"]
    assert shown["events_next"] == "200"


def test_the_status_is_what_the_contract_and_the_command_line_read(call, plane, add):
    add(1, "command.issued", "command.completed")
    assert call("/api/executions/1/status")["json"] == {
        "execution_id": "1",
        "status": "RUNNING",
        "current_step": "start",
        "progress": {
            "total_steps": 1,
            "completed_steps": 1,
            "running_steps": 0,
            "failed_steps": 0,
        },
        "is_cancelled": False,
        "completed": False,
        "failed": False,
        "completed_steps": ["start"],
        "start_time": "2026-10-28T12:00:01.000000Z",
        "end_time": None,
        "error": None,
    }


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("playbook_completed", ("COMPLETED", False, True, False, None)),
        ("playbook.failed", ("FAILED", False, True, True, "step two broke")),
        ("execution.cancelled", ("CANCELLED", True, True, True, "Cancelled: step two broke")),
    ],
)
def test_an_end_is_told_in_both_ways(call, plane, add, ending, told):
    add(1)
    plane.backend.append(1, 150, ending, catalog_id=plane.catalog_id, error="step two broke")
    status = call("/api/executions/1/status")["json"]
    names = "status", "is_cancelled", "completed", "failed", "error"
    assert tuple(status[name] for name in names) == told


def test_a_cancel_lists_whom_it_cancelled(call, add):
    add(1)
    add(2, parent_execution_id=1)
    answer = call("/api/executions/1/cancel", {"reason": "enough", "cascade": True}, "POST")
    assert answer["json"] == {
        "execution_id": "1",
        "status": "cancelled",
        "message": "Execution 1 cancelled; child executions cancelled: 1",
        "cancelled_executions": ["1", "2"],
    }
    again = call("/api/executions/1/cancel", method="POST")
    assert (again["statusCode"], again["json"]["cancelled_executions"]) == (200, [])
    assert again["json"]["status"] == "cancelled"


@pytest.mark.parametrize("ending", ["playbook_completed", "playbook_failed"])
def test_what_has_ended_cannot_be_cancelled(call, add, ending):
    add(1, ending)
    answer = call("/api/executions/1/cancel", {}, "POST")
    assert answer["statusCode"] == 422
    assert "cannot be cancelled" in answer["json"]["error"]


@pytest.mark.parametrize(
    "body", [{"reason": 7}, {"cascade": "yes"}, {"reason": "x" * 1001}, {"reason": "\0"}, []]
)
def test_a_cancel_of_another_shape_is_refused(call, add, body):
    add(1)
    assert call("/api/executions/1/cancel", body, "POST")["statusCode"] == 422


def test_cancelling_an_unknown_execution_is_404(call):
    assert call("/api/executions/7/cancel", {}, "POST")["statusCode"] == 404


def test_a_rerun_starts_the_same_path_with_the_first_input_overridden(call, plane):
    first = plane.start(payload={"name": "Ada", "greeting": "Hi"}, execution_pool="gpu")
    plane.backend.add_entry(PATH, 2, "newer: version", None)
    plane.backend.database.catalog[-1] = plane.backend.database.catalog[0]
    target = f"/api/executions/{first.answer['execution_id']}/rerun"
    answer = call(target, {"workload": {"name": "Bo"}, "resource_kind": "playbook"}, "POST")
    assert answer["json"]["status"] == "started"
    again = plane.starts[-1]
    assert again.ids.execution_id != int(first.answer["execution_id"])
    assert again.workload.value == {"name": "Bo", "greeting": "Hi"}
    assert (again.parent_execution_id, again.execution_pool) == (None, "gpu")


def test_a_rerun_under_a_key_happens_once(call, plane):
    first = plane.start()
    target = f"/api/executions/{first.answer['execution_id']}/rerun"
    answers = [call(target, None, "POST", {"idempotency-key": "again"}) for _ in range(2)]
    assert answers[0]["json"] == answers[1]["json"]
    assert answers[1]["headers"]["Idempotent-Replayed"] == "true"
    assert len(plane.starts) == 2


def test_a_rerun_of_what_another_server_started_without_input_takes_the_defaults(call, add, plane):
    add(1, context={"workload": "none"})
    assert call("/api/executions/1/rerun", {}, "POST")["statusCode"] == 200
    assert plane.starts[-1].workload.value == {"name": "world", "greeting": "Hello"}


def test_a_rerun_of_nothing_is_404(call, add, plane):
    assert call("/api/executions/7/rerun", {}, "POST")["statusCode"] == 404
    plane.backend.append(8, 801, "playbook_started", catalog_id=999)
    answer = call("/api/executions/8/rerun", {}, "POST")
    assert (answer["statusCode"], answer["json"]["error"]) == (404, "Catalog entry not found: 999")
