"""The event log on PostgreSQL: `control_plane.monitor.execution_log.ExecutionLog`."""

from __future__ import annotations

from datetime import datetime

from control_plane.monitor.execution_log import (
    MOST_READ,
    Cancelled,
    Ending,
    EventPage,
    ExecutionFilter,
    ExecutionPage,
    ExecutionRecord,
    ExecutionSummary,
    LoggedEvent,
    Position,
)
from control_plane.monitor.execution_status import (
    STEP_EVENTS,
    Event,
    Status,
    endings,
    status_after,
)
from control_plane.postgres.connection import Database
from control_plane.postgres.deadline import Row

_FIRST_ID = -(2**63)
_NO_EVENT = ""
"""Stands for the missing ending of what runs, among endings that are asked for."""


class PostgresExecutionLog:
    """Reads executions, and cancels them.

    :param most_read: executions that are gone through for one page of a status
    """

    def __init__(self, database: Database, most_read: int = MOST_READ) -> None:
        self._database = database
        self._most_read = most_read

    def page(
        self, wanted: ExecutionFilter, limit: int, offset: int = 0, after: Position | None = None
    ) -> ExecutionPage:
        """Return executions, newest first; one round trip.

        :raises StoreUnavailable: the database cannot answer
        """
        before = _before(wanted, after)
        rows = self._database.fetch_all(
            "list_executions",
            {
                "path": wanted.path,
                "catalog_id": wanted.catalog_id,
                "parent_execution_id": wanted.parent_execution_id,
                "endings": _endings(wanted.status),
                "after": wanted.started_after or "-infinity",
                "before": before.started_at if before else "infinity",
                "before_id": before.execution_id if before else _FIRST_ID,
                # One more than is shown tells whether there is another page.
                "most": self._most_read if wanted.status else offset + limit + 1,
                "offset": offset,
                "rows": limit + 1,
            },
        )
        return _page(rows, limit)

    def find(self, execution_id: int) -> ExecutionRecord | None:
        """Return an execution, None where the log knows nothing of it; one round trip.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all("get_execution", {"execution_id": execution_id})
        if not rows:
            return None
        (found, catalog_id, path, started_at, ending, ended_at, reason, count, *rest) = rows[0]
        summary = ExecutionSummary(
            found, catalog_id, path, started_at, _ending(ending, ended_at, reason), count
        )
        return ExecutionRecord(summary, *rest)

    def events(self, execution_id: int, after: int, limit: int, most_bytes: int) -> EventPage:
        """Return events of an execution after one; one round trip.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "list_events",
            {
                "execution_id": execution_id,
                "after": after,
                "rows": limit + 1,
                "most_bytes": most_bytes,
            },
        )
        events = tuple(LoggedEvent(*event) for *event, _ in rows[:limit])
        return EventPage(events, has_more=bool(rows) and rows[0][-1] > len(events))

    def step_events(self, execution_id: int) -> list[Event]:
        """Return the newest event that tells of each step; one round trip.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "list_step_events",
            {"execution_id": execution_id, "event_types": list(STEP_EVENTS)},
        )
        return [Event(*row) for row in rows]

    def cancel(self, execution_id: int, reason: str | None, *, cascade: bool) -> Cancelled | None:
        """Cancel an execution, or say what it was; one statement.

        May be sent again when the connection is lost: nothing is appended twice.

        :raises StoreUnavailable: the database cannot answer
        """
        refused = [*endings(Status.COMPLETED), *endings(Status.FAILED)]
        rows = self._database.fetch_all(
            "cancel_execution",
            {
                "execution_id": execution_id,
                "reason": reason,
                "cascade": cascade,
                "refused": refused,
            },
        )
        if not rows:
            return None
        ((ending, cancelled),) = rows
        return Cancelled(status_after(ending), tuple(cancelled))


def _before(wanted: ExecutionFilter, after: Position | None) -> Position | None:
    """Return where the page begins: below the page before, and below the time that is asked for."""
    bounds = [after] if after else []
    if wanted.started_before:
        bounds.append(Position(wanted.started_before, _FIRST_ID))
    return min(bounds, default=None)


def _endings(status: Status | None) -> list[str] | None:
    if status is None:
        return None
    return list(endings(status)) or [_NO_EVENT]


def _ending(event_type: str | None, at: datetime, reason: str | None = None) -> Ending | None:
    return Ending(event_type, at, reason) if event_type is not None else None


def _page(rows: list[Row], limit: int) -> ExecutionPage:
    """Cut the page off where it is full, or where reading ended."""
    shown: list[ExecutionSummary] = []
    for (
        execution_id,
        catalog_id,
        path,
        started_at,
        ending,
        ended_at,
        matches,
        is_last,
        count,
    ) in rows:
        execution = ExecutionSummary(
            execution_id, catalog_id, path, started_at, _ending(ending, ended_at), count
        )
        if matches:
            if len(shown) == limit:
                return ExecutionPage(tuple(shown), shown[-1].position)
            shown.append(execution)
        if is_last:
            return ExecutionPage(tuple(shown), execution.position)
    return ExecutionPage(tuple(shown), None)
