"""The outbox on PostgreSQL: `control_plane.relay.outbox.Outbox`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from control_plane.notifications import IssuedCommand
from control_plane.ports import Notification
from control_plane.postgres.connection import Database
from control_plane.postgres.deadline import Row
from control_plane.relay.outbox import (
    SIGNS_OF_A_WORKER,
    DueNotification,
    Failure,
    Lease,
    Look,
    OutboxState,
    ParkedNotification,
    UnclaimedCommand,
)

MOST_COUNTED = 100_000
"""Rows that are counted; there are more in an outage of many hours only."""

_SIGNS = list(SIGNS_OF_A_WORKER)


class PostgresOutbox:
    """Keeps the notifications that are not known to be in a worker's hands.

    Every statement may be sent again when the connection is lost.

    :param renotify_after: seconds after which a command that was notified should be claimed
    :param renotify_limit: how often one is notified again
    :param park_after: seconds after which a notification that does not arrive is given up
    """

    def __init__(
        self, database: Database, renotify_after: int, renotify_limit: int, park_after: int
    ) -> None:
        self._database = database
        self._renotify_after = renotify_after
        self._renotify_limit = renotify_limit
        self._park_after = park_after
        self._owner = ""

    def lease(self, most: int, seconds: float) -> Lease:
        """Take notifications that are due.

        :raises StoreUnavailable: the database cannot answer
        """
        # A new one each time: by it, a lease whose answer was lost is found again.
        self._owner = uuid.uuid4().hex
        rows = self._database.fetch_all(
            "lease_outbox",
            {
                "owner": self._owner,
                "most": most,
                "lease_seconds": seconds,
                "most_renotifications": self._renotify_limit,
                "signs": _SIGNS,
            },
        )
        settled, parked, *_ = rows[0]
        return Lease(tuple(_due(row[2:]) for row in rows if row[2] is not None), settled, parked)

    def acknowledge(self, arrived: Sequence[DueNotification]) -> None:
        """Note that messages have arrived.

        :raises StoreUnavailable: the database cannot answer
        """
        self._database.fetch_all(
            "acknowledge_outbox",
            {
                "command_ids": [due.command_id for due in arrived],
                "renotifications": [due.number for due in arrived],
                "renotify_after": self._renotify_after,
            },
        )

    def defer(self, failures: Sequence[Failure]) -> int:
        """Note that messages have not arrived.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "defer_outbox",
            {
                "command_ids": [failure.due.command_id for failure in failures],
                "reasons": [failure.reason for failure in failures],
                "were_tried": [failure.was_tried for failure in failures],
                "owner": self._owner,
                "park_after": self._park_after,
            },
        )
        return sum(is_parked for (is_parked,) in rows)

    def look(self, most: int) -> Look:
        """Look at the next starts that are of age.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "find_unclaimed", {"age": self._renotify_after, "most": most, "signs": _SIGNS}
        )
        since, until, has_more, *_ = rows[0]
        found = tuple(_unclaimed(row[3:]) for row in rows if row[3] is not None)
        return Look(since, until, has_more, found)

    def renew(self, look: Look, notifications: Sequence[Notification]) -> int:
        """Make what a look has found due, and move on.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "renew_unclaimed",
            {
                "since": look.since,
                "until": look.until,
                "command_ids": [command.command_id for command in look.unclaimed],
                "execution_ids": [command.issued.execution_id for command in look.unclaimed],
                "subjects": [notification.subject for notification in notifications],
                "message_ids": [notification.message_id for notification in notifications],
                "bodies": [notification.body for notification in notifications],
                "traceparents": [notification.traceparent for notification in notifications],
            },
        )
        return len(rows)

    def settle_parked(self, most: int) -> int:
        """Forget what was given up and claimed all the same.

        :raises StoreUnavailable: the database cannot answer
        """
        ((settled,),) = self._database.fetch_all("settle_parked", {"most": most, "signs": _SIGNS})
        return int(settled)

    def remove_expired_keys(self, most: int) -> int:
        """Remove idempotency keys that have expired.

        :raises StoreUnavailable: the database cannot answer
        """
        ((removed,),) = self._database.fetch_all("remove_expired_keys", {"most": most})
        return int(removed)

    def state(self) -> OutboxState:
        """Tell what waits; counts no further than `MOST_COUNTED`.

        :raises StoreUnavailable: the database cannot answer
        """
        (row,) = self._database.fetch_all("outbox_state", {"most": MOST_COUNTED})
        return OutboxState(*row)

    def parked(self, most: int) -> list[ParkedNotification]:
        """Return what was given up.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all("list_parked", {"most": most})
        return [ParkedNotification(*row) for row in rows]

    def release(self, execution_ids: Sequence[int] | None, most: int) -> int:
        """Make what was given up due once more.

        :raises StoreUnavailable: the database cannot answer
        """
        given = None if execution_ids is None else list(execution_ids)
        rows = self._database.fetch_all("release_parked", {"execution_ids": given, "most": most})
        return len(rows)


def _due(row: Row) -> DueNotification:
    command_id, subject, message_id, body, traceparent, number = row
    # Under its first id, the stream would take a renotification for the message that it has.
    numbered = f"{message_id}:{number}" if number else message_id
    return DueNotification(command_id, number, Notification(subject, numbered, body, traceparent))


def _unclaimed(row: Row) -> UnclaimedCommand:
    command_id, execution_id, event_id, step, *rest = row
    return UnclaimedCommand(command_id, IssuedCommand(execution_id, event_id, step), *rest)
