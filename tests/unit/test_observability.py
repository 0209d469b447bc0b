"""What the log and the metrics say of an invocation."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from control_plane import errors, observability
from control_plane.errors import PlaybookNotFound, StoreUnavailable
from control_plane.observability import PowertoolsObserver, count_failure, error_name, observed
from control_plane.ports import Phases
from control_plane.postgres.failures import ReferenceGone
from tests.unit.control_plane import Context, event


class Output:
    """What was written to the log so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def lines(self) -> list[dict[str, Any]]:
        return [one for one in self._read() if "message" in one]

    def metrics(self) -> list[dict[str, Any]]:
        return [one for one in self._read() if "_aws" in one]

    def _read(self) -> list[dict[str, Any]]:
        self._text += self._capsys.readouterr().out
        return [json.loads(line) for line in self._text.splitlines()]


class Stdout:
    """The one of the moment: pytest has another one for the fixtures than for the test."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None: ...


@pytest.fixture
def output(monkeypatch, capsys):
    (handler,) = observability.logger.handlers
    monkeypatch.setattr(handler, "stream", Stdout())
    return Output(capsys)


@observed
def deferring(_event, _context):
    observer = PowertoolsObserver()
    observer.announcement(658371920845275136, "examples/hello_world")()
    observer.notification_deferred(658371920845275136, "cannot connect to NATS")
    observer.took(Phases(0.0012, 0.00001, 0.0003, 0.002, 0.5))
    return {}


def test_each_line_names_request_execution_and_cold_start(output):
    deferring(event("execute_by_path"), Context())
    for line in output.lines():
        assert line["correlation_id"] == event("execute_by_path")["requestContext"]["requestId"]
        assert line["function_request_id"] == Context().aws_request_id
        assert line["execution_id"] == "658371920845275136"
        assert line["cold_start"] in (True, False)
    assert len(output.lines()) == 2


@pytest.mark.parametrize("bare", [{"path": "examples/hello_world"}, {"requestContext": None}, []])
def test_without_api_gateway_lambda_s_id_is_the_correlation_id(output, bare):
    deferring(bare, Context())
    assert {line["correlation_id"] for line in output.lines()} == {Context().aws_request_id}


def test_the_line_of_a_start_is_what_the_logger_would_write(output, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-67891233-abcdef012345678912345678;Sampled=1")

    def both(*_):
        PowertoolsObserver().announcement(7, "examples/hello_world")()
        observability.logger.info(
            "execution started", execution_id="7", path="examples/hello_world"
        )

    observed(both)(event("execute_by_path"), Context())
    ours, theirs = output.lines()
    assert ours.keys() == theirs.keys()
    assert len(ours["timestamp"]) == len(theirs["timestamp"])
    assert {name for name in ours if ours[name] != theirs[name]} <= {"location", "timestamp"}


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O on closed file")])
def test_a_start_that_nobody_can_be_told_of_stands_and_is_counted(monkeypatch, output, error):
    def fail(_):
        raise error

    def start(*_):
        with monkeypatch.context() as deaf:
            deaf.setattr(sys.stdout, "write", fail)
            PowertoolsObserver().announcement(7, "examples/hello_world")()
        return "answer"

    assert observed(start)({}, Context()) == "answer"
    assert [line["Starts"] for line in output.metrics() if "Starts" in line] == [1]


def test_the_line_of_a_start_follows_the_log_level(output):
    level = observability.logger.log_level
    observability.logger.setLevel("WARNING")
    try:
        deferring({}, Context())
    finally:
        observability.logger.setLevel(level)
    assert [line["level"] for line in output.lines()] == ["WARNING"]


def test_a_line_of_the_next_invocation_has_nothing_of_this_one(output):
    deferring(event("execute_by_path"), Context())
    observed(lambda *_: observability.logger.info("later"))({}, Context("second"))
    later = output.lines()[-1]
    assert (later["correlation_id"], later["function_request_id"]) == ("second", "second")
    assert "execution_id" not in later


def test_metrics_have_the_dimension_service_and_no_other(output):
    deferring({}, Context())
    told = output.metrics()
    for line in told:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "NoETL"
        assert directive["Dimensions"] == [["service"]]
        assert line["service"] == "noetl-control-plane"
        assert all(metric["Name"] in line for metric in directive["Metrics"])
    assert sum("Starts" in line for line in told) == 1


def test_a_start_is_counted_with_its_phases_in_milliseconds_on_one_line(output):
    deferring({}, Context())
    (line,) = (line for line in output.metrics() if "Starts" in line)
    names = "ResolveMs", "ParseMs", "BuildMs", "RecordMs", "NotifyMs"
    assert [line[name] for name in ("Starts", *names)] == [1, 1.2, 0.01, 0.3, 2.0, 500.0]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == {"Starts": "Count"} | dict.fromkeys(names, "Milliseconds")


def test_the_starts_of_a_batch_are_counted_together(output):
    def many(_event, _context):
        for number in range(3):
            PowertoolsObserver().announcement(number, "examples/hello_world")()

    observed(many)({}, Context())
    observed(lambda *_: None)({}, Context())
    assert [line["Starts"] for line in output.metrics() if "Starts" in line] == [3]


def test_a_cold_start_is_counted_once(output, monkeypatch):
    monkeypatch.setattr(observability, "_is_cold", True)
    for _ in range(3):
        observed(lambda *_: None)({}, Context())
    assert [line["ColdStarts"] for line in output.metrics()] == [[1.0]]


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        (PlaybookNotFound("examples/x"), "Refused", "PlaybookNotFound"),
        (StoreUnavailable(), "Failed", "StoreUnavailable"),
        (ReferenceGone(), "Failed", "StoreUnavailable"),
        (ZeroDivisionError(), "Failed", "InternalError"),
    ],
)
def test_a_failure_is_counted_by_a_class_of_ours(output, error, kind, name):
    count_failure(error)
    observability.metrics.flush_metrics()
    (line,) = output.metrics()
    assert (line[kind], line[f"Errors.{name}"]) == ([1.0], [1.0])


def test_the_names_of_errors_are_those_of_the_tree():
    made_up = type("MadeUp", (errors.ControlPlaneError,), {"__module__": "elsewhere"})
    assert error_name(made_up("x")) == "ControlPlaneError"
