"""What the relay needs from the outside, and its words: notifications on their way to the workers.

A row of the outbox goes from *due* (its message is to be sent) to *arrived*; there it waits for a
worker, and if none claims the command, falls due once more under another message id. It ends when
the event log has a sign of a worker or of the execution's end, or is *parked*: given up, kept, and
counted. The adapter is :mod:`control_plane.postgres.outbox`; the tests hold it and its in-memory
fake to one contract suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from control_plane.monitor.execution_status import STEP_EVENTS, TERMINAL_EVENTS
from control_plane.notifications import IssuedCommand
from control_plane.ports import Notification

SIGNS_OF_A_WORKER = (
    *(name for name in STEP_EVENTS if name != "command.issued"),
    "command.heartbeat",
    "command.cancelled",
    "call.done",
    "call.error",
    *TERMINAL_EVENTS,
)
"""Events after which an execution's first command needs no notification any more.

Whichever command they are of: the others only come to be once the first one was claimed.
"""

NO_WORKER = "no worker has claimed the command"
"""The last error of a command that was given up although its messages arrived."""


class DueNotification(NamedTuple):
    """A notification to send now.

    :ivar number: 0 for the first message of a command, n for its n-th renotification
    """

    command_id: int
    number: int
    notification: Notification


class Lease(NamedTuple):
    """Notifications that are this relay's for a while, and what became of others meanwhile.

    :ivar settled: how many rows ended because a worker was heard of
    :ivar parked: how many were given up because none was
    """

    due: tuple[DueNotification, ...]
    settled: int
    parked: int


class Failure(NamedTuple):
    """A notification that has not arrived; ``was_tried`` when it may itself be the reason."""

    due: DueNotification
    reason: str
    was_tried: bool


class UnclaimedCommand(NamedTuple):
    """The first command of an execution that no worker has claimed in time.

    :ivar playbook_path: what the playbook says of itself
    """

    command_id: int
    issued: IssuedCommand
    execution_pool: str | None
    playbook_path: str | None
    traceparent: str | None


class Look(NamedTuple):
    """A look at starts that have come of age: from where to where, and what was found."""

    since: int
    until: int
    has_more: bool
    unclaimed: tuple[UnclaimedCommand, ...]


class OutboxState(NamedTuple):
    """What waits.

    :ivar depth: notifications that should have been sent by now
    :ivar age: seconds that the one has waited that has waited longest
    :ivar parked: notifications that were given up
    """

    depth: int
    age: float
    parked: int


class ParkedNotification(NamedTuple):
    """A notification that was given up; ``has_arrived`` when only a worker was missing."""

    execution_id: int
    message_id: str
    parked_at: datetime
    renotifications: int
    has_arrived: bool
    last_error: str | None


class Outbox(Protocol):
    """The notifications that are not known to be in a worker's hands.

    Several relays may work at once. Every method is one round trip, takes no more than so many
    rows, and raises `StoreUnavailable` when the database cannot answer.
    """

    def lease(self, most: int, seconds: float) -> Lease:
        """Take notifications that are due, the most overdue first.

        :param seconds: after which they are free again, whatever has become of this relay
        """
        ...

    def acknowledge(self, arrived: Sequence[DueNotification]) -> None:
        """Note that messages have arrived."""
        ...

    def defer(self, failures: Sequence[Failure]) -> int:
        """Note that messages have not arrived; return how many were given up for their age."""
        ...

    def look(self, most: int) -> Look:
        """Look at the next starts that are old enough for a worker to have claimed them."""
        ...

    def renew(self, look: Look, notifications: Sequence[Notification]) -> int:
        """Make what a look has found due, and begin the next look where it ended.

        Does nothing of it where another relay has been faster.

        :param notifications: the first one of each command that was found, in the same order
        :returns: how many fell due
        """
        ...

    def settle_parked(self, most: int) -> int:
        """Forget what was given up and claimed all the same; return how many."""
        ...

    def remove_expired_keys(self, most: int) -> int:
        """Remove idempotency keys that have expired; return how many."""
        ...

    def state(self) -> OutboxState:
        """Tell what waits."""
        ...

    def parked(self, most: int) -> list[ParkedNotification]:
        """Return what was given up, the first one first."""
        ...

    def release(self, execution_ids: Sequence[int] | None, most: int) -> int:
        """Make what was given up due once more; return how many.

        :param execution_ids: of these executions; None means all
        """
        ...
