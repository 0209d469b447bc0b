"""What has become of an execution, decided from its events here and nowhere else.

Events reach the log in any order and may say several things: a step fails and the playbook goes
on, a worker reports the end after somebody cancelled. So the first terminal event by its id
decides, and for a step its newest one. A statement may narrow down which events there are to look
at; what they mean is never written in SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """What an execution is."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


START_EVENTS = ("playbook_started", "playbook.initialized")
"""The event that an execution begins with; the second is what other NoETL servers write."""

TERMINAL_EVENTS: Mapping[str, Status] = {
    "playbook_completed": Status.COMPLETED,
    "playbook.completed": Status.COMPLETED,
    "playbook_failed": Status.FAILED,
    "playbook.failed": Status.FAILED,
    "playbook_cancelled": Status.CANCELLED,
    "playbook.cancelled": Status.CANCELLED,
    "execution.cancelled": Status.CANCELLED,
}
"""The events that end an execution, and as what."""


class StepState(StrEnum):
    """What a step is."""

    ISSUED = "ISSUED"
    """Its command waits for a worker."""
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


STEP_EVENTS: Mapping[str, StepState] = {
    "command.issued": StepState.ISSUED,
    "command.claimed": StepState.RUNNING,
    "command.started": StepState.RUNNING,
    "command.completed": StepState.COMPLETED,
    "command.failed": StepState.FAILED,
    "step.enter": StepState.RUNNING,
    "step_started": StepState.RUNNING,
    "step.exit": StepState.COMPLETED,
    "step.completed": StepState.COMPLETED,
    "step_completed": StepState.COMPLETED,
    "step.failed": StepState.FAILED,
    "step_failed": StepState.FAILED,
}
"""The events that tell of a step, and what it is after them."""

_FAILURES = {"failed", "error"}


class Event(NamedTuple):
    """What of an event decides; ``step`` is its node's name, ``status`` what it says of itself."""

    event_id: int
    event_type: str
    step: str | None = None
    status: str | None = None


class Progress(NamedTuple):
    """How far an execution is: its steps by their state, those that were reached.

    :ivar completed: names of the completed steps, in the order of their completion
    :ivar current: the step that was heard of last
    """

    total: int
    running: int
    failed: int
    completed: tuple[str, ...]
    current: str | None


def deciding_event(events: Iterable[Event]) -> Event | None:
    """Return the event that ended the execution, None while it runs."""
    terminal = (event for event in events if event.event_type in TERMINAL_EVENTS)
    return min(terminal, key=lambda event: event.event_id, default=None)


def status_after(event_type: str | None) -> Status:
    """Return what an execution is whose deciding event has this type; None means it has none."""
    return TERMINAL_EVENTS[event_type] if event_type is not None else Status.RUNNING


def status_of(events: Iterable[Event]) -> Status:
    """Return what an execution with these events is, in whatever order they come."""
    event = deciding_event(events)
    return status_after(event.event_type if event else None)


def endings(status: Status) -> tuple[str, ...]:
    """Return the types of deciding event that make an execution this; none for a running one."""
    return tuple(name for name, ending in TERMINAL_EVENTS.items() if ending is status)


def progress_of(events: Iterable[Event]) -> Progress:
    """Return how far an execution with these events is, in whatever order they come.

    Only each step's newest event counts, so the others may be left out.
    """
    newest: dict[str, Event] = {}
    for event in sorted(events, key=lambda event: event.event_id):
        if event.step is not None and event.event_type in STEP_EVENTS:
            newest.pop(event.step, None)
            newest[event.step] = event
    states = {step: _state(event) for step, event in newest.items()}
    counts = Counter(states.values())
    return Progress(
        total=len(states),
        running=counts[StepState.RUNNING],
        failed=counts[StepState.FAILED],
        completed=tuple(step for step, state in states.items() if state is StepState.COMPLETED),
        current=next(reversed(states), None),
    )


def _state(event: Event) -> StepState:
    """Return a step's state; a completion may say of itself that it has failed."""
    state = STEP_EVENTS[event.event_type]
    says_failed = (event.status or "").lower() in _FAILURES
    return StepState.FAILED if state is StepState.COMPLETED and says_failed else state
