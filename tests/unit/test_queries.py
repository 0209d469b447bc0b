from __future__ import annotations

from datetime import datetime

import pytest

from control_plane.errors import InvalidRequest
from control_plane.monitor.execution_status import Status
from control_plane.monitor.queries import EventQuery, ExecutionQuery
from control_plane.requests import read_model


def read(**given):
    return read_model(ExecutionQuery, given)


def test_without_parameters_the_newest_fifty_are_meant():
    query = read()
    assert (query.limit, query.offset, query.cursor, query.filters()) == (50, 0, None, {})


def test_a_parameter_without_a_value_counts_as_absent():
    assert read(status="", path="", limit="", cursor="") == read()


def test_what_is_not_known_is_ignored():
    assert read(page="1", page_size="10") == read()


@pytest.mark.parametrize(
    ("given", "limit"), [("1", 1), ("100", 100), ("101", 100), ("9" * 19, 100)]
)
def test_no_page_holds_more_than_a_hundred(given, limit):
    assert read(limit=given).limit == limit


@pytest.mark.parametrize(("given", "status"), [("RUNNING", "RUNNING"), ("failed", "FAILED")])
def test_a_status_is_read_in_any_case(given, status):
    assert read(status=given).status is Status[status]


@pytest.mark.parametrize(
    ("given", "time"),
    [
        ("2026-10-28T06:00:30Z", datetime(2026, 10, 28, 6, 0, 30)),
        ("2026-10-28T06:00:30.5+02:00", datetime(2026, 10, 28, 4, 0, 30, 500_000)),
        ("2026-10-28T06:00:30 02:00", datetime(2026, 10, 28, 4, 0, 30)),
        ("2026-10-28T06:00", datetime(2026, 10, 28, 6)),
        ("2026-10-28", datetime(2026, 10, 28)),
    ],
)
def test_times_are_read_as_utc(given, time):
    assert read(started_after=given).started_after == time


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", "1.0"),
        ("limit", "²"),
        ("limit", "9" * 20),
        ("offset", "-1"),
        ("offset", "1000001"),
        ("status", "DONE"),
        ("catalog_id", "abc"),
        ("catalog_id", str(2**63)),
        ("parent_execution_id", "-1"),
        ("started_after", "yesterday"),
        ("started_after", "2026-13-01"),
        ("started_after", "2026-W01-1"),
        ("started_before", "0001-01-01T00:00:00+05:00"),
        ("started_before", "1793167230"),
    ],
)
def test_what_is_no_such_value_is_refused_by_its_name(name, value):
    with pytest.raises(InvalidRequest, match=f"^{name}: ") as refusal:
        read(**{name: value})
    if len(value) > 3:
        assert value not in str(refusal.value)


def test_all_faults_are_named_at_once():
    with pytest.raises(InvalidRequest) as refusal:
        read(limit="x", status="x")
    assert {fault.where for fault in refusal.value.faults} == {"limit", "status"}


def test_events_are_read_from_an_id_on():
    query = read_model(EventQuery, {"after": "658371920845275136", "limit": "5000"})
    assert (query.after, query.limit) == (658371920845275136, 1000)
    for wrong in ({"after": "x"}, {"after": str(2**63)}, {"limit": "0"}):
        with pytest.raises(InvalidRequest):
            read_model(EventQuery, wrong)
