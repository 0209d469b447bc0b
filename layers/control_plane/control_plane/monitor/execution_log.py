"""What reading and cancelling executions needs from the outside, and its words.

The adapter is :mod:`control_plane.postgres.execution_log`; the tests hold it and its in-memory
fake to one contract suite. Times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, Protocol

from control_plane.monitor.execution_status import Event, Status, status_after

MOST_READ = 10_000
"""Executions that are gone through for one page where only their events tell which ones match."""


class ExecutionFilter(NamedTuple):
    """Which executions are meant; None leaves a field open, both times are exclusive."""

    path: str | None = None
    catalog_id: int | None = None
    parent_execution_id: int | None = None
    status: Status | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None


class Position(NamedTuple):
    """A place in the list of executions, which is ordered by these two, descending."""

    started_at: datetime
    execution_id: int


class Ending(NamedTuple):
    """The event that ended an execution, and why where it says so."""

    event_type: str
    created_at: datetime
    reason: str | None = None


class ExecutionSummary(NamedTuple):
    """An execution in a list; ``path`` is None when the catalog has lost its playbook."""

    execution_id: int
    catalog_id: int
    path: str | None
    started_at: datetime
    ending: Ending | None
    event_count: int

    @property
    def status(self) -> Status:
        """What the execution is."""
        return status_after(self.ending.event_type if self.ending else None)

    @property
    def position(self) -> Position:
        """Where it is in the list."""
        return Position(self.started_at, self.execution_id)


class ExecutionRecord(NamedTuple):
    """An execution with what it was started with; ``workload`` is any JSON value."""

    summary: ExecutionSummary
    parent_execution_id: int | None
    workload: Any
    execution_pool: str | None


class ExecutionPage(NamedTuple):
    """Executions, newest first; ``end`` is where the next page begins, None at the list's end.

    A page may hold fewer executions than were asked for, even none, and still not be the last.
    """

    executions: tuple[ExecutionSummary, ...]
    end: Position | None


class LoggedEvent(NamedTuple):
    """An event of the log."""

    event_id: int
    event_type: str | None
    node_name: str | None
    status: str | None
    created_at: datetime
    result: Any
    error: str | None


class EventPage(NamedTuple):
    """Events by ascending id; ``has_more`` tells that the log has more of them."""

    events: tuple[LoggedEvent, ...]
    has_more: bool


class Cancelled(NamedTuple):
    """What came of a cancel.

    :ivar before: what the execution was; where it had ended, no execution was cancelled but
        children of one that had been cancelled already
    :ivar executions: whom this call cancelled, ascending
    """

    before: Status
    executions: tuple[int, ...]


class ExecutionLog(Protocol):
    """The executions as the event log tells of them, whichever server wrote it.

    Every method raises `StoreUnavailable` when the database cannot answer.
    """

    def page(
        self, wanted: ExecutionFilter, limit: int, offset: int = 0, after: Position | None = None
    ) -> ExecutionPage:
        """Return executions, newest first.

        :param after: where the page before this one ended
        """
        ...

    def find(self, execution_id: int) -> ExecutionRecord | None:
        """Return an execution, None where the log knows nothing of it."""
        ...

    def events(self, execution_id: int, after: int, limit: int, most_bytes: int) -> EventPage:
        """Return events of an execution, at least one where there is one.

        :param after: an event id; only those with a greater one are returned
        :param most_bytes: how large results and errors may be together; a result that is larger
            by itself comes without its ``context``
        """
        ...

    def step_events(self, execution_id: int) -> list[Event]:
        """Return at least the newest event that tells of each step, in any order."""
        ...

    def cancel(self, execution_id: int, reason: str | None, *, cascade: bool) -> Cancelled | None:
        """Cancel an execution that runs, in one statement.

        Each cancelled execution gets its two events once, however many calls there are at once,
        and no notification of it that still waits is sent.

        :param cascade: cancel its children as well, at any depth
        :returns: None where the log knows nothing of the execution
        """
        ...
