"""The statements that look for an execution's end find the event that Python decides by."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.monitor.execution_log import ExecutionFilter
from control_plane.monitor.execution_status import (
    START_EVENTS,
    TERMINAL_EVENTS,
    Event,
    Status,
    progress_of,
    status_of,
)
from control_plane.postgres.sql import indexes, statement
from tests.unit.test_execution_status import event_sequences

SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
NUMBERS = itertools.count(1)
READING = ["list_executions", "get_execution", "cancel_execution"]


@pytest.fixture
def log(postgres):
    return postgres.execution_log()


@pytest.fixture
def entry(postgres):
    return postgres.add_entry("examples/hello", 1, "kind: Playbook", None)


def lists_in(text: str) -> list[frozenset[str]]:
    """Return the lists of event types that stand in a statement."""
    found = re.findall(r"event_type IN \(([^)]*)\)", text)
    return [frozenset(re.findall(r"'([^']*)'", names)) for names in found]


def test_the_statements_know_the_events_that_python_knows():
    known = {frozenset(START_EVENTS), frozenset(TERMINAL_EVENTS)}
    for name in READING:
        assert set(lists_in(statement(name).decode())) == known
    for text in indexes().values():
        assert set(lists_in(text)) <= known


@SHARED
@given(data=st.data(), events=event_sequences())
def test_both_give_the_same_for_any_events_in_any_order(postgres, log, entry, data, events):
    execution_id = next(NUMBERS)
    rows = [Event(1, "playbook_started"), *events]
    for event in data.draw(st.permutations(rows)):
        postgres.append(
            execution_id,
            event.event_id,
            event.event_type,
            catalog_id=entry,
            node_name=event.step,
            status=event.status,
        )
    expected = status_of(events)
    assert log.find(execution_id).summary.status is expected
    assert progress_of(log.step_events(execution_id)) == progress_of(events)
    listed = {
        status
        for status in Status
        if execution_id
        in {one.execution_id for one in log.page(ExecutionFilter(status=status), 100).executions}
    }
    assert listed == {expected}
