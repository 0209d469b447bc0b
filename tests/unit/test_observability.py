"""What the log and the metrics say of an invocation."""

from __future__ import annotations

import io
import json

import pytest

from control_plane import errors, observability
from control_plane.errors import PlaybookNotFound, StoreUnavailable
from control_plane.observability import PowertoolsObserver, count_failure, error_name, observed
from control_plane.ports import Phases
from control_plane.postgres.failures import ReferenceGone
from tests.unit.control_plane import Context, event


@pytest.fixture
def lines(monkeypatch):
    """Collect what is logged; returns it as JSON when called."""
    stream = io.StringIO()
    (handler,) = observability.logger.handlers
    monkeypatch.setattr(handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def measured(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@observed
def deferring(_event, _context):
    observer = PowertoolsObserver()
    observer.started(658371920845275136, "examples/hello_world")
    observer.notification_deferred(658371920845275136, "cannot connect to NATS")
    observer.took(Phases(0.0012, 0.00001, 0.0003, 0.002, 0.5))
    return {}


def test_each_line_names_request_execution_and_cold_start(lines):
    deferring(event("execute_by_path"), Context())
    for line in lines():
        assert line["correlation_id"] == event("execute_by_path")["requestContext"]["requestId"]
        assert line["function_request_id"] == Context().aws_request_id
        assert line["execution_id"] == "658371920845275136"
        assert line["cold_start"] in (True, False)
    assert len(lines()) == 2


@pytest.mark.parametrize("bare", [{"path": "examples/hello_world"}, {"requestContext": None}, []])
def test_without_api_gateway_lambda_s_id_is_the_correlation_id(lines, bare):
    deferring(bare, Context())
    assert {line["correlation_id"] for line in lines()} == {Context().aws_request_id}


def test_a_line_of_the_next_invocation_has_nothing_of_this_one(lines):
    deferring(event("execute_by_path"), Context())
    observed(lambda *_: observability.logger.info("later"))({}, Context("second"))
    later = lines()[-1]
    assert (later["correlation_id"], later["function_request_id"]) == ("second", "second")
    assert "execution_id" not in later


def test_metrics_have_the_dimension_service_and_no_other(capsys, lines):
    deferring({}, Context())
    told = measured(capsys)
    for line in told:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "NoETL"
        assert directive["Dimensions"] == [["service"]]
        assert line["service"] == "noetl-control-plane"
        assert all(metric["Name"] in line for metric in directive["Metrics"])
    assert sum("Starts" in line for line in told) == 1


def test_a_start_is_counted_with_its_phases_in_milliseconds_on_one_line(capsys):
    deferring({}, Context())
    (line,) = (line for line in measured(capsys) if "Starts" in line)
    names = "ResolveMs", "ParseMs", "BuildMs", "RecordMs", "NotifyMs"
    assert [line[name] for name in ("Starts", *names)] == [1, 1.2, 0.01, 0.3, 2.0, 500.0]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == {"Starts": "Count"} | dict.fromkeys(names, "Milliseconds")


def test_the_starts_of_a_batch_are_counted_together(capsys):
    def many(_event, _context):
        for number in range(3):
            PowertoolsObserver().started(number, "examples/hello_world")

    observed(many)({}, Context())
    observed(lambda *_: None)({}, Context())
    assert [line["Starts"] for line in measured(capsys) if "Starts" in line] == [3]


def test_a_cold_start_is_counted_once(capsys, monkeypatch):
    monkeypatch.setattr(observability, "_is_cold", True)
    for _ in range(3):
        observed(lambda *_: None)({}, Context())
    assert [line["ColdStarts"] for line in measured(capsys)] == [[1.0]]


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        (PlaybookNotFound("examples/x"), "Refused", "PlaybookNotFound"),
        (StoreUnavailable(), "Failed", "StoreUnavailable"),
        (ReferenceGone(), "Failed", "StoreUnavailable"),
        (ZeroDivisionError(), "Failed", "InternalError"),
    ],
)
def test_a_failure_is_counted_by_a_class_of_ours(capsys, error, kind, name):
    count_failure(error)
    observability.metrics.flush_metrics()
    (line,) = measured(capsys)
    assert (line[kind], line[f"Errors.{name}"]) == ([1.0], [1.0])


def test_the_names_of_errors_are_those_of_the_tree():
    made_up = type("MadeUp", (errors.ControlPlaneError,), {"__module__": "elsewhere"})
    assert error_name(made_up("x")) == "ControlPlaneError"
