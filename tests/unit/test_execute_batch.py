from __future__ import annotations

import json

import pytest

from control_plane.api import ControlPlaneApi, ok
from control_plane.errors import StoreUnavailable
from control_plane.execute_batch import BatchExecutor, batch_answer
from control_plane.executions import Execution
from control_plane.requests import ExecuteBatchRequest
from tests.unit.control_plane import LIMITS, PATH, Context, ControlPlane, event

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def plane():
    return ControlPlane()


@pytest.fixture
def call(plane):
    """Send a batch through the route of the execute function, on fakes."""
    app = ControlPlaneApi(LIMITS)
    batches = BatchExecutor(plane.starter)

    @app.post_json("/api/execute/batch", ExecuteBatchRequest)
    def execute_batch(request):
        return ok(batches.start(request, app.caller(), app.idempotency_key(), app.incident))

    def send(*executions, body=None, **headers):
        sample = event("execute_batch")
        sample["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
        sample["body"] = json.dumps({"executions": executions}) if body is None else body
        answer = app.resolve(sample, Context())
        return answer | {"json": json.loads(answer["body"])}

    return send


def result(index, status, execution_id=None, error=None):
    return {
        "index": index,
        "status": status,
        "execution_id": execution_id,
        "commands_generated": 0 if error else 1,
        "error": error,
    }


def test_each_request_has_its_result(plane, call):
    bad = {"path": PATH, "payload": 5, "catalog_id": -1}
    answer = call({"path": PATH}, {"path": "none"}, bad, 5, {"path": PATH, "workload": {"a": 1}})
    first, second = (str(start.ids.execution_id) for start in plane.starts)
    assert answer["statusCode"] == 200
    assert answer["json"]["results"][0] == result(0, "started", first)
    assert answer["json"]["results"][1] == result(1, "error", error="Playbook not found: none")
    assert answer["json"]["results"][2]["error"].startswith("catalog_id: must be an id")
    assert answer["json"]["results"][3] == result(3, "error", error="body: must be a JSON object")
    assert answer["json"]["results"][4] == result(4, "started", second)
    numbers = {name: answer["json"][name] for name in ("count", "started", "duplicates", "failed")}
    assert numbers == {"count": 5, "started": 2, "duplicates": 0, "failed": 3}


def test_a_batch_that_is_sent_again_under_its_key_starts_nothing_twice(plane, call):
    batch = [{"path": PATH}, {"path": PATH}, {"path": PATH, "payload": {"a": 1}}]
    first = call(*batch, idempotency_key="k")["json"]
    again = call(*batch, idempotency_key="k")["json"]
    assert (first["started"], first["duplicates"]) == (3, 0)
    assert (again["started"], again["duplicates"]) == (0, 3)
    ids = [[one["execution_id"] for one in answer["results"]] for answer in (first, again)]
    assert ids[0] == ids[1]
    assert [start.key for start in plane.starts] == [f"http:anonymous:k {n}" for n in range(3)]


def test_a_request_s_own_key_wins_over_the_batch_s(plane, call):
    call({"path": PATH, "idempotency_key": "own"}, {"path": PATH}, idempotency_key="k")
    assert [start.key for start in plane.starts] == ["http:anonymous:own", "http:anonymous:k 1"]


def test_a_key_twice_in_a_batch_starts_once(plane, call):
    one = {"path": PATH, "idempotency_key": "k"}
    answer = call(one, one, one | {"payload": {"a": 1}})["json"]
    assert [one["status"] for one in answer["results"]] == ["started", "duplicate", "error"]
    assert answer["results"][0]["execution_id"] == answer["results"][1]["execution_id"]


def test_without_any_key_each_request_has_the_request_s_own_id_and_place(plane, call):
    call({"path": PATH}, {"path": PATH})
    first, second = (start.key for start in plane.starts)
    assert first.endswith(" 0")
    assert second == first[:-1] + "1"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ('{"executions": []}', 422, "executions: List should have at least 1 item"),
        (json.dumps({"executions": [{}] * 1001}), 422, "at most 1000 items"),
        ('{"executions": {}}', 422, "executions: must be a list"),
        ("{}", 422, "executions"),
        ("[]", 422, "body: must be a JSON object"),
        ("{", 400, "line 1"),
        ('{"executions": ["' + "x" * LIMITS.body_bytes + '"]}', 413, "the limit is 1048576"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(plane, call, body, status, says):
    answer = call(body=body)
    assert (answer["statusCode"], answer["json"]["status"]) == (status, status)
    assert says in answer["json"]["error"]
    assert plane.starts == []


def test_a_thousand_requests_are_two_round_trips(plane, call):
    answer = call(*[{"path": PATH}] * 1000)["json"]
    assert (answer["count"], answer["started"]) == (1000, 1000)
    assert plane.store.round_trips == 2


def test_when_nothing_stands_and_later_may_the_whole_is_refused(plane, call):
    def gone(_):
        raise StoreUnavailable("The database does not answer; try again")

    plane.store.record_many = gone
    answer = call({"path": PATH}, {"path": "none"})
    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"]


def test_when_some_stand_the_rest_says_what_happened():
    stands = Execution({"execution_id": "7", "status": "started", "commands_generated": 1})
    answer = batch_answer([stands, StoreUnavailable("gone; try again")], "incident")
    assert answer["results"] == [
        result(0, "started", "7"),
        result(1, "error", error="gone; try again"),
    ]


def test_a_defect_is_told_by_its_incident_alone(plane, call, caplog):
    def broken(*_):
        raise ZeroDivisionError("postgresql://secret@host")

    plane.store.record_many = broken
    (one,) = call({"path": PATH})["json"]["results"]
    assert one["error"] == (
        f"Internal error; the log has the details under incident {Context().aws_request_id}"
    )
    assert "ZeroDivisionError" in caplog.text


def test_the_trace_of_the_headers_is_that_of_each_request_without_one(plane, call):
    own = TRACE.replace("01", "00")
    call({"path": PATH}, {"path": PATH, "trace": {"traceparent": own}}, traceparent=TRACE)
    assert [start.trace.value["traceparent"] for start in plane.starts] == [TRACE, own]


def test_a_malformed_traceparent_in_the_header_is_left_out(plane, call):
    call({"path": PATH}, traceparent="nonsense", tracestate="a=1")
    assert plane.starts[0].trace is None
