"""The outbox in memory, for tests of the relay; held to the suite of the real one.

Time passes by `FakeDatabase.pass_time` alone, so that what takes minutes is told at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from control_plane.notifications import IssuedCommand
from control_plane.ports import Notification, Start
from control_plane.relay.outbox import (
    NO_WORKER,
    SIGNS_OF_A_WORKER,
    DueNotification,
    Failure,
    Lease,
    Look,
    OutboxState,
    ParkedNotification,
    UnclaimedCommand,
)
from tests.contract.fake_store import FakeDatabase


@dataclass
class _Row:
    start: Start
    notification: Notification
    since: float
    due_at: float
    attempts: int = 0
    renotifications: int = 0
    notified: bool = False
    parked: bool = False
    leased_until: float = 0.0
    owner: FakeOutbox | None = None
    last_error: str | None = None

    def free(self) -> None:
        self.leased_until, self.owner = 0.0, None


class FakeOutbox:
    """An `Outbox` in memory."""

    def __init__(
        self,
        database: FakeDatabase,
        renotify_after: int = 300,
        renotify_limit: int = 5,
        park_after: int = 86_400,
    ) -> None:
        self.database = database
        self._renotify_after = renotify_after
        self._renotify_limit = renotify_limit
        self._park_after = park_after

    def lease(self, most: int, seconds: float) -> Lease:
        now, due, settled, parked = self.database.elapsed, [], 0, 0
        waiting = [
            row
            for row in self._rows().values()
            if not row.parked and row.due_at <= now and row.leased_until <= now
        ]
        for row in sorted(waiting, key=lambda row: row.due_at)[:most]:
            if self._is_settled(row):
                settled += 1
                self._forget(row)
            elif row.notified and row.renotifications >= self._renotify_limit:
                parked += 1
                row.parked, row.last_error, row.due_at = True, NO_WORKER, now + 900
            else:
                row.attempts = 1 if row.notified else row.attempts + 1
                row.renotifications += row.notified
                row.notified, row.leased_until, row.owner = False, now + seconds, self
                due.append(_due(row))
        return Lease(tuple(due), settled, parked)

    def acknowledge(self, arrived: Sequence[DueNotification]) -> None:
        for one in arrived:
            row = self._rows().get(one.command_id)
            if row is not None and row.renotifications == one.number:
                wait = self._renotify_after * 2**row.renotifications
                row.due_at = self.database.elapsed + min(wait, max(3600, self._renotify_after))
                row.notified, row.parked, row.attempts, row.last_error = True, False, 0, None
                row.free()

    def defer(self, failures: Sequence[Failure]) -> int:
        parked, now = 0, self.database.elapsed
        for failure in failures:
            row = self._rows().get(failure.due.command_id)
            if row is None or row.owner is not self:
                continue
            if failure.was_tried:
                row.due_at = now + min(15 * 2 ** (row.attempts - 1), 900)
            else:
                row.attempts -= 1
            if now - row.since >= self._park_after:
                row.parked, row.due_at = True, now + 900
                parked += 1
            row.last_error = failure.reason
            row.free()
        return parked

    def look(self, most: int) -> Look:
        database = self.database
        horizon = next(database.ids) - (self._renotify_after * 1000 << 23)
        since = database.looked_until
        passed = sorted(
            (start for start, _ in database.requests.values()), key=lambda s: s.ids.execution_id
        )
        passed = [s for s in passed if min(since, horizon) < s.ids.execution_id <= horizon][:most]
        has_more = len(passed) == most
        unclaimed = tuple(
            _unclaimed(start) for start in passed if not self._has_sign(start.ids.execution_id)
        )
        until = passed[-1].ids.execution_id if has_more else horizon
        return Look(since, until, has_more, unclaimed)

    def renew(self, look: Look, notifications: Sequence[Notification]) -> int:
        database, fell_due = self.database, 0
        if database.looked_until != look.since:
            return 0
        database.looked_until = look.until
        starts = {start.ids.command_id: start for start, _ in database.requests.values()}
        rows = self._rows()
        for command, notification in zip(look.unclaimed, notifications, strict=True):
            if command.command_id not in rows:
                start = starts[command.command_id]
                database.outbox[command.command_id] = start
                database.outbox_rows[command.command_id] = _Row(
                    start, notification, database.elapsed, database.elapsed, renotifications=1
                )
                fell_due += 1
        return fell_due

    def settle_parked(self, most: int) -> int:
        now = self.database.elapsed
        checked = [row for row in self._rows().values() if row.parked and row.due_at <= now][:most]
        for row in checked:
            if self._is_settled(row):
                self._forget(row)
            row.due_at = now + 900
        return sum(map(self._is_settled, checked))

    def remove_expired_keys(self, most: int) -> int:
        requests, looked_until = self.database.requests, self.database.looked_until
        expired = [
            key
            for key, (start, expires_at) in requests.items()
            if expires_at <= datetime.now(UTC) and start.ids.execution_id <= looked_until
        ]
        for key in expired[:most]:
            del requests[key]
        return len(expired[:most])

    def state(self) -> OutboxState:
        now, rows = self.database.elapsed, self._rows().values()
        waiting = [
            now - row.since
            for row in rows
            if not row.parked and not row.notified and (row.due_at <= now or row.attempts)
        ]
        return OutboxState(len(waiting), max(waiting, default=0.0), sum(r.parked for r in rows))

    def parked(self, most: int) -> list[ParkedNotification]:
        return [
            ParkedNotification(
                row.start.ids.execution_id,
                row.notification.message_id,
                datetime.now(UTC),
                row.renotifications,
                row.notified,
                row.last_error,
            )
            for row in itertools.islice((r for r in self._rows().values() if r.parked), most)
        ]

    def release(self, execution_ids: Sequence[int] | None, most: int) -> int:
        now = self.database.elapsed
        released = [
            row
            for row in self._rows().values()
            if row.parked and (execution_ids is None or row.start.ids.execution_id in execution_ids)
        ][:most]
        for row in released:
            row.renotifications += row.notified
            row.parked, row.notified, row.attempts = False, False, 0
            row.since = row.due_at = now
        return len(released)

    def _rows(self) -> dict[int, _Row]:
        """Bring the rows in line with what starts have written and acknowledged."""
        database = self.database
        for command_id, start in database.outbox.items():
            if command_id not in database.outbox_rows:
                since = database.recorded_at.get(command_id, database.elapsed)
                row = _Row(start, start.notification, since, since + 60)
                database.outbox_rows[command_id] = row
        for command_id in [*database.outbox_rows]:
            if command_id not in database.outbox:
                del database.outbox_rows[command_id]
        return database.outbox_rows

    def _is_settled(self, row: _Row) -> bool:
        return self._has_sign(row.start.ids.execution_id)

    def _has_sign(self, execution_id: int) -> bool:
        return any(
            event.execution_id == execution_id and event.event_type in SIGNS_OF_A_WORKER
            for event in self.database.events
        )

    def _forget(self, row: _Row) -> None:
        self.database.outbox.pop(row.start.ids.command_id, None)


def _due(row: _Row) -> DueNotification:
    notification, number = row.notification, row.renotifications
    numbered = f"{notification.message_id}:{number}" if number else notification.message_id
    return DueNotification(
        row.start.ids.command_id,
        number,
        Notification(notification.subject, numbered, notification.body, notification.traceparent),
    )


def _unclaimed(start: Start) -> UnclaimedCommand:
    ids = start.ids
    trace = start.trace.value if start.trace else {}
    return UnclaimedCommand(
        ids.command_id,
        IssuedCommand(ids.execution_id, ids.issued_event_id, start.step),
        start.execution_pool,
        start.path,
        trace.get("traceparent"),
    )
