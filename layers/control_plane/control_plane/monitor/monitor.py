"""The use case: look at executions, whichever NoETL server started them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from control_plane.answers import ANSWER_BYTES, answer_size, fitting, written_id, written_time
from control_plane.cursors import made_up_cursor, read_cursor, write_cursor
from control_plane.errors import ExecutionNotFound
from control_plane.monitor.answers import (
    DetailAnswer,
    EventAnswer,
    EventsAnswer,
    ExecutionAnswer,
    StatusAnswer,
)
from control_plane.monitor.execution_log import (
    ExecutionFilter,
    ExecutionLog,
    ExecutionRecord,
    ExecutionSummary,
    LoggedEvent,
    Position,
)
from control_plane.monitor.execution_status import Status, progress_of
from control_plane.monitor.queries import MOST_EVENTS, EventQuery, ExecutionQuery

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


class Listing(NamedTuple):
    """A page of executions, and the cursor of the next one."""

    executions: list[ExecutionAnswer]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Monitor:
    """Tells what the event log holds."""

    log: ExecutionLog

    def list(self, query: ExecutionQuery) -> Listing:
        """Return a page of executions, newest first.

        :raises InvalidRequest: the cursor is none of this list
        """
        filters = query.filters()
        key = read_cursor(query.cursor, 2, "executions", filters)
        wanted = ExecutionFilter(
            path=query.path,
            catalog_id=query.catalog_id,
            parent_execution_id=query.parent_execution_id,
            status=query.status,
            started_after=query.started_after,
            started_before=query.started_before,
        )
        page = self.log.page(wanted, query.limit, query.offset, _position(key) if key else None)
        cursor = write_cursor(_key(page.end), "executions", filters) if page.end else None
        return Listing([_summary(execution) for execution in page.executions], cursor)

    def show(self, execution_id: int) -> DetailAnswer:
        """Return an execution with its first events.

        :raises ExecutionNotFound: the log knows nothing of it
        """
        record = self._found(execution_id)
        size = answer_size(record.workload)
        is_large = size > ANSWER_BYTES // 2
        events = self._events(
            execution_id, 0, MOST_EVENTS, ANSWER_BYTES if is_large else ANSWER_BYTES - size
        )
        return {
            **_summary(record.summary),
            "parent_execution_id": written_id(record.parent_execution_id),
            "workload": None if is_large else record.workload,
            "events": events["events"],
            "events_next": events["events_next"],
        }

    def events(self, execution_id: int, query: EventQuery) -> EventsAnswer:
        """Return the events after one.

        :raises ExecutionNotFound: the log knows nothing of the execution
        """
        answer = self._events(execution_id, query.after, query.limit, ANSWER_BYTES)
        if not answer["events"]:
            self._found(execution_id)
        return answer

    def status(self, execution_id: int) -> StatusAnswer:
        """Return how an execution is.

        :raises ExecutionNotFound: the log knows nothing of it
        """
        summary = self._found(execution_id).summary
        progress = progress_of(self.log.step_events(execution_id))
        ending, status = summary.ending, summary.status
        return {
            "execution_id": str(execution_id),
            "status": status,
            "current_step": progress.current,
            "progress": {
                "total_steps": progress.total,
                "completed_steps": len(progress.completed),
                "running_steps": progress.running,
                "failed_steps": progress.failed,
            },
            "is_cancelled": status is Status.CANCELLED,
            "completed": status is not Status.RUNNING,
            "failed": status in {Status.FAILED, Status.CANCELLED},
            "completed_steps": list(progress.completed),
            "start_time": written_time(summary.started_at),
            "end_time": written_time(ending.created_at) if ending else None,
            "error": _error(summary),
        }

    def _found(self, execution_id: int) -> ExecutionRecord:
        record = self.log.find(execution_id)
        if record is None:
            raise ExecutionNotFound(execution_id)
        return record

    def _events(self, execution_id: int, after: int, limit: int, most_bytes: int) -> EventsAnswer:
        page = self.log.events(execution_id, after, limit, most_bytes)
        written = [_event(event) for event in page.events]
        events = fitting(written, most_bytes)
        has_more = page.has_more or len(events) < len(written)
        return {
            "execution_id": str(execution_id),
            "events": events,
            "events_next": events[-1]["event_id"] if has_more else None,
        }


def _summary(execution: ExecutionSummary) -> ExecutionAnswer:
    ending = execution.ending
    return {
        "execution_id": str(execution.execution_id),
        "catalog_id": str(execution.catalog_id),
        "path": execution.path,
        "status": execution.status,
        "started_at": written_time(execution.started_at),
        "completed_at": written_time(ending.created_at) if ending else None,
        "event_count": execution.event_count,
    }


def _event(event: LoggedEvent) -> EventAnswer:
    return {
        "event_id": str(event.event_id),
        "event_type": event.event_type,
        "node_name": event.node_name,
        "status": event.status,
        "created_at": written_time(event.created_at),
        "result": event.result,
        "error": event.error,
    }


def _error(execution: ExecutionSummary) -> str | None:
    ending = execution.ending
    if ending is None or execution.status is Status.COMPLETED:
        return None
    if execution.status is Status.CANCELLED:
        return f"Cancelled: {ending.reason}" if ending.reason else "Cancelled"
    return ending.reason


def _key(position: Position) -> tuple[int, int]:
    return (position.started_at - _EPOCH) // _MICROSECOND, position.execution_id


def _position(key: tuple[int, ...]) -> Position:
    microseconds, execution_id = key
    try:
        return Position(_EPOCH + microseconds * _MICROSECOND, execution_id)
    except OverflowError:
        raise made_up_cursor() from None
