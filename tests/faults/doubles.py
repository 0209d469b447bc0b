"""Bugs on purpose: a store, a notifier or an outbox that breaks one invariant each.

Each stands in a real sandbox, before the real one; `tests.faults.zygote` puts it there. What is
shown with them is that the checker sees such a bug.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import replace
from typing import Any

import psycopg

from control_plane.errors import NotificationFailed, StoreUnavailable
from control_plane.ports import (
    CatalogReference,
    KnownStart,
    Notification,
    Resolution,
    Start,
    Work,
    nothing,
)
from control_plane.relay.outbox import Lease


class _Double:
    """Does whatever the real one does."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _execute(statement: str, *parameters: Any) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement, parameters)  # type: ignore[arg-type]


_EVENT = (
    "INSERT INTO noetl.event (execution_id, event_id, catalog_id, event_type, node_name)"
    " VALUES (%s, %s, %s, %s, 'start')"
)
_KEY = (
    "INSERT INTO noetl_serverless.start_request"
    " (key, fingerprint, execution_id, answer, created_at, expires_at)"
    " VALUES (%s, '', %s, '{}', now(), now() + interval '1 day') ON CONFLICT DO NOTHING"
)


class IssuesTwice(_Double):
    """I1: one event log entry too many."""

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        known: KnownStart | None = self._real.record(start, meanwhile)
        again = (start.ids.command_id + 1, start.catalog_id, "command.issued")
        _execute(_EVENT, start.ids.execution_id, *again)
        return known


class RecordsStepByStep(_Double):
    """I2: one statement after the other, and the database goes in between."""

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        ids = start.ids
        _execute(_KEY, start.key, ids.execution_id)
        started = (ids.started_event_id, start.catalog_id, "playbook_started")
        _execute(_EVENT, ids.execution_id, *started)
        raise StoreUnavailable


class ForgetsKeys(_Double):
    """I3: whoever asks again starts again."""

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        known: KnownStart | None = self._real.record(
            start._replace(key=f"{start.key}{uuid.uuid4()}"), meanwhile
        )
        return known


class FiresAndForgets(_Double):
    """I4: takes a failure to notify for a success, so that nobody tries again in time."""

    def notify(self, notification: Notification) -> None:
        try:
            self._real.notify(notification)
        except NotificationFailed:
            return


class LeasesNothing(_Double):
    """I4: a relay that never sends what waits."""

    def lease(self, most: int, seconds: float) -> Lease:
        return Lease((), 0, 0)


class KeepsTheKey(_Double):
    """I5: takes the key before the work, and does not give it back."""

    def resolve(
        self,
        key: str,
        reference: CatalogReference,
        held: int | None,
        meanwhile: Work = nothing,
    ) -> Resolution:
        found: Resolution = self._real.resolve(key, reference, held, meanwhile)
        if found.ids is not None:
            _execute(_KEY, key, found.ids.execution_id)
        return found


class TellsThePassword(_Double):
    """I6: a log line with an address in full."""

    def notify(self, notification: Notification) -> None:
        print("publishing to", os.environ["NATS_URL"])
        self._real.notify(notification)


class TellsTheInput(_Double):
    """I6: a log line with what the caller has sent."""

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        print("recording", start.workload.text)
        known: KnownStart | None = self._real.record(start, meanwhile)
        return known


class Waits(_Double):
    """I7: is not done in time."""

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        time.sleep(60)
        raise AssertionError("nobody is there any more")


class Breaks(_Double):
    """I7: an error that nobody has thought of."""

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        raise ZeroDivisionError


STORES = (IssuesTwice, RecordsStepByStep, ForgetsKeys, KeepsTheKey, TellsTheInput, Waits, Breaks)
NOTIFIERS = (FiresAndForgets, TellsThePassword)
OUTBOXES = (LeasesNothing,)


def breaks(double: type[_Double]) -> str:
    """Return the invariant that a double breaks."""
    return str(double.__doc__)[:2]


def install(name: str, app: Any) -> None:
    """Put a double into a handler's module, if it is of that kind."""
    for doubles, case, place in (
        (STORES, "starter", "store"),
        (NOTIFIERS, "starter", "notifier"),
        (OUTBOXES, "relay", "outbox"),
    ):
        for double in doubles:
            if double.__name__ == name and hasattr(app, case):
                real = getattr(app, case)
                setattr(app, case, replace(real, **{place: double(getattr(real, place))}))
