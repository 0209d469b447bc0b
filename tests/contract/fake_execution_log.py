"""The event log in memory, held to the suite of the real one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

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
    START_EVENTS,
    Event,
    Status,
    deciding_event,
    status_of,
)


@dataclass(frozen=True)
class FakeEvent:
    """A row of the log."""

    execution_id: int
    event_id: int
    event_type: str
    catalog_id: int = 0
    node_name: str | None = None
    status: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    parent_execution_id: int | None = None
    context: Any = None
    result: Any = None
    meta: Any = None
    error: str | None = None


class FakeExecutionLog:
    """An `ExecutionLog` in memory."""

    def __init__(self, database: Any, most_read: int = MOST_READ) -> None:
        self._database = database
        self._most_read = most_read

    def page(
        self, wanted: ExecutionFilter, limit: int, offset: int = 0, after: Position | None = None
    ) -> ExecutionPage:
        candidates = [one for one in self._newest_first() if _is_meant(one, wanted, after)]
        read = candidates[: self._most_read] if wanted.status else candidates
        found = [one.summary for one in read if wanted.status in {None, one.summary.status}]
        shown = tuple(found[offset : offset + limit])
        if len(found) > offset + limit:
            return ExecutionPage(shown, shown[-1].position)
        is_cut = wanted.status is not None and len(candidates) >= self._most_read
        return ExecutionPage(shown, read[-1].summary.position if is_cut else None)

    def find(self, execution_id: int) -> ExecutionRecord | None:
        events = self._of(execution_id)
        return self._record(events) if events else None

    def events(self, execution_id: int, after: int, limit: int, most_bytes: int) -> EventPage:
        later = [event for event in self._of(execution_id) if event.event_id > after]
        fitting, size = [], 0
        for event in later[:limit]:
            result = event.result
            bytes_of_result = len(json.dumps(result)) if result is not None else 0
            size += 200 + bytes_of_result + len(event.error or "")
            if fitting and size > most_bytes:
                break
            if bytes_of_result > most_bytes:
                result = {name: value for name, value in result.items() if name != "context"}
            fitting.append(replace(event, result=result))
        return EventPage(tuple(map(_logged, fitting)), len(fitting) < len(later))

    def step_events(self, execution_id: int) -> list[Event]:
        return [_deciding(event) for event in self._of(execution_id)]

    def cancel(self, execution_id: int, reason: str | None, *, cascade: bool) -> Cancelled | None:
        with self._database.lock:
            record = self.find(execution_id)
            if record is None:
                return None
            before = record.summary.status
            if before in {Status.COMPLETED, Status.FAILED}:
                return Cancelled(before, ())
            family = self._family(execution_id) if cascade else {execution_id}
            running = [one for one in sorted(family) if self._status(one) is Status.RUNNING]
            for one in running:
                self._append_ending(one, reason)
            outbox = self._database.outbox
            for command_id, start in list(outbox.items()):
                if start.ids.execution_id in running:
                    del outbox[command_id]
            return Cancelled(before, tuple(running))

    def _append_ending(self, execution_id: int, reason: str | None) -> None:
        given = {} if reason is None else {"reason": reason}
        for event_type in ("playbook_cancelled", "execution.cancelled"):
            self._database.events.append(
                FakeEvent(
                    execution_id,
                    next(self._database.ids),
                    event_type,
                    catalog_id=self._of(execution_id)[0].catalog_id,
                    status="CANCELLED",
                    context=given,
                    result={"status": "CANCELLED", "context": given},
                )
            )

    def _family(self, execution_id: int) -> set[int]:
        family, pending = set(), {execution_id}
        while pending:
            family |= pending
            children = {
                event.execution_id
                for event in self._database.events
                if event.event_type in START_EVENTS and event.parent_execution_id in pending
            }
            pending = children - family
        return family

    def _of(self, execution_id: int) -> list[FakeEvent]:
        events = (e for e in self._database.events if e.execution_id == execution_id)
        return sorted(events, key=lambda event: event.event_id)

    def _status(self, execution_id: int) -> Status:
        return status_of(map(_deciding, self._of(execution_id)))

    def _newest_first(self) -> list[ExecutionRecord]:
        started = {e.execution_id for e in self._database.events if e.event_type in START_EVENTS}
        records = [self._record(self._of(execution_id)) for execution_id in started]
        return sorted(records, key=lambda record: record.summary.position, reverse=True)

    def _record(self, events: list[FakeEvent]) -> ExecutionRecord:
        began = next((e for e in events if e.event_type in START_EVENTS), None)
        first = began or events[0]
        deciding = deciding_event(map(_deciding, events))
        ended = next((e for e in events if deciding and e.event_id == deciding.event_id), None)
        paths = {entry.catalog_id: entry.path for entry in self._database.catalog}
        summary = ExecutionSummary(
            execution_id=first.execution_id,
            catalog_id=first.catalog_id,
            path=paths.get(first.catalog_id),
            started_at=first.created_at,
            ending=_ending(ended) if ended else None,
            event_count=len(events),
        )
        return ExecutionRecord(
            summary,
            first.parent_execution_id,
            (began.context or {}).get("workload") if began else None,
            (began.meta or {}).get("execution_pool") if began else None,
        )


def _is_meant(record: ExecutionRecord, wanted: ExecutionFilter, after: Position | None) -> bool:
    summary = record.summary
    return all(_conditions(record, summary, wanted)) and (after is None or summary.position < after)


def _conditions(
    record: ExecutionRecord, summary: ExecutionSummary, wanted: ExecutionFilter
) -> Iterator[bool]:
    yield wanted.path in {None, summary.path}
    yield wanted.catalog_id in {None, summary.catalog_id}
    yield wanted.parent_execution_id in {None, record.parent_execution_id}
    yield wanted.started_after is None or summary.started_at > wanted.started_after
    yield wanted.started_before is None or summary.started_at < wanted.started_before


def _deciding(event: FakeEvent) -> Event:
    return Event(event.event_id, event.event_type, event.node_name, event.status)


def _ending(event: FakeEvent) -> Ending:
    return Ending(
        event.event_type, event.created_at, event.error or (event.context or {}).get("reason")
    )


def _logged(event: FakeEvent) -> LoggedEvent:
    return LoggedEvent(
        event.event_id,
        event.event_type,
        event.node_name,
        event.status,
        event.created_at,
        event.result,
        event.error,
    )


def events_of_start(start: Any) -> Iterable[FakeEvent]:
    """Return the two events that recording a start appends."""
    ids = start.ids
    yield FakeEvent(
        ids.execution_id,
        ids.started_event_id,
        "playbook_started",
        catalog_id=start.catalog_id,
        node_name=start.path,
        status="STARTED",
        parent_execution_id=start.parent_execution_id,
        context={"workload": start.workload.value},
        meta={"execution_pool": start.execution_pool},
    )
    yield FakeEvent(
        ids.execution_id,
        ids.issued_event_id,
        "command.issued",
        catalog_id=start.catalog_id,
        node_name=start.step,
        status="PENDING",
    )
