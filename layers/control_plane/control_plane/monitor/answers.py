"""What is told of executions, and in which words (contract, 7)."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from control_plane.monitor.execution_status import Status


class ExecutionAnswer(TypedDict):
    """An execution in a list."""

    execution_id: str
    catalog_id: str
    path: str | None
    status: Status
    started_at: str
    completed_at: str | None
    event_count: int


class EventAnswer(TypedDict):
    """An event; ``result`` is without its ``context`` where that would be too large."""

    event_id: str
    event_type: str | None
    node_name: str | None
    status: str | None
    created_at: str
    result: Any
    error: str | None


class EventsAnswer(TypedDict):
    """Events of an execution by ascending id; ``events_next`` is the ``after`` of the rest."""

    execution_id: str
    events: list[EventAnswer]
    events_next: str | None


class DetailAnswer(ExecutionAnswer):
    """An execution as a whole; ``workload`` is null where it would be too large."""

    parent_execution_id: str | None
    workload: Any
    events: list[EventAnswer]
    events_next: str | None


class ProgressAnswer(TypedDict):
    """The steps that were reached, by what became of them; the others wait for a worker."""

    total_steps: int
    completed_steps: int
    running_steps: int
    failed_steps: int


class StatusAnswer(TypedDict):
    """How an execution is.

    The members from ``completed`` on are what NoETL's command line shows to a person. It knows
    no word for cancelled, so such an execution is shown as failed, with the reason.
    """

    execution_id: str
    status: Status
    current_step: str | None
    progress: ProgressAnswer
    is_cancelled: bool
    completed: bool
    failed: bool
    completed_steps: list[str]
    start_time: str
    end_time: str | None
    error: str | None
