from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.monitor.execution_status import (
    STEP_EVENTS,
    TERMINAL_EVENTS,
    Event,
    Status,
    deciding_event,
    endings,
    progress_of,
    status_after,
    status_of,
)

OTHER_EVENTS = ["playbook_started", "playbook.initialized", "workflow.completed", "call.error"]
EVENT_TYPES = [*TERMINAL_EVENTS, *STEP_EVENTS, *OTHER_EVENTS]


@st.composite
def event_sequences(draw):
    """Events with ids of their own, in the order of their ids."""
    types = draw(st.lists(st.sampled_from(EVENT_TYPES), max_size=20))
    return [
        Event(
            event_id=number * 3 + 3,
            event_type=event_type,
            step=draw(st.sampled_from(["start", "second", None])),
            status=draw(st.sampled_from(["COMPLETED", "FAILED", "error", "success", None])),
        )
        for number, event_type in enumerate(types)
    ]


@pytest.mark.parametrize(
    ("event_types", "status"),
    [
        ([], "RUNNING"),
        (["playbook_started"], "RUNNING"),
        (["playbook_completed"], "COMPLETED"),
        (["playbook.completed"], "COMPLETED"),
        (["playbook_failed"], "FAILED"),
        (["playbook.failed"], "FAILED"),
        (["playbook_cancelled"], "CANCELLED"),
        (["playbook.cancelled"], "CANCELLED"),
        (["execution.cancelled"], "CANCELLED"),
        (["playbook.completed", "execution.cancelled"], "COMPLETED"),
        (["execution.cancelled", "playbook_failed"], "CANCELLED"),
        # What other endpoints have taken for an end.
        (["command.failed", "step.exit"], "RUNNING"),
        (["step.enter", "step.exit", "workflow.completed"], "RUNNING"),
    ],
)
def test_the_first_terminal_event_decides(event_types, status):
    events = [Event(number, event_type) for number, event_type in enumerate(event_types)]
    assert status_of(events) == status


def test_the_id_decides_and_not_the_order_of_arrival():
    late, early = Event(9, "playbook_failed"), Event(4, "playbook_completed")
    assert status_of([late, early]) is Status.COMPLETED


@given(st.data(), event_sequences())
def test_any_order_of_arrival_gives_the_same(data, events):
    shuffled = data.draw(st.permutations(events))
    assert status_of(shuffled) == status_of(events)
    assert deciding_event(shuffled) == deciding_event(events)
    assert progress_of(shuffled) == progress_of(events)


@given(event_sequences(), event_sequences())
def test_what_has_ended_stays_so_whatever_comes_later(events, later):
    first = status_of(events)
    appended = [Event(event.event_id + 1000, event.event_type) for event in later]
    if first is not Status.RUNNING:
        assert status_of([*events, *appended]) is first


@given(event_sequences())
def test_only_a_terminal_event_ends(events):
    ended = any(event.event_type in TERMINAL_EVENTS for event in events)
    assert (status_of(events) is not Status.RUNNING) == ended


@given(event_sequences())
def test_only_the_newest_event_of_a_step_counts(events):
    told = [event for event in events if event.step and event.event_type in STEP_EVENTS]
    newest = {event.step: event for event in told}
    assert progress_of(newest.values()) == progress_of(events)


@given(event_sequences())
def test_the_steps_add_up(events):
    progress = progress_of(events)
    assert len(progress.completed) + progress.running + progress.failed <= progress.total
    assert (progress.current is None) == (progress.total == 0)


def test_every_terminal_event_is_the_ending_of_its_status():
    assert {name: status for status in Status for name in endings(status)} == TERMINAL_EVENTS
    assert endings(Status.RUNNING) == ()
    assert status_after(None) is Status.RUNNING


def test_progress_counts_steps_by_their_newest_event():
    told = [
        ("start", "command.issued", "PENDING"),
        ("start", "command.completed", "COMPLETED"),
        ("second", "command.issued", "PENDING"),
        ("second", "command.started", "STARTED"),
        ("third", "command.failed", "FAILED"),
        ("third", "command.issued", "PENDING"),
        ("fourth", "command.completed", "error"),
    ]
    progress = progress_of(Event(n, kind, step, says) for n, (step, kind, says) in enumerate(told))
    assert (progress.total, progress.running, progress.failed) == (4, 1, 1)
    assert (progress.completed, progress.current) == (("start",), "fourth")
