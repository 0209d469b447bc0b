"""The use case: see to it that workers hear of every command, and again of those nobody claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from typing_extensions import TypedDict

from control_plane import invocation
from control_plane.errors import BrokerUnavailable, NotificationFailed
from control_plane.notifications import command_notification, segment_of
from control_plane.ports import CommandNotifier, Notification
from control_plane.relay.outbox import (
    DueNotification,
    Failure,
    Outbox,
    OutboxState,
    UnclaimedCommand,
)

BATCH = 500
"""Notifications that are on their way at once."""
STEP = 1000
"""Rows that are looked at or removed in one statement."""
LEASE_SECONDS = 30.0
"""Longer than a batch takes at the worst; after it another relay takes over."""
RESERVE_SECONDS = 15.0
"""No batch is begun with less time left, so that each one is finished."""


class RelayAnswer(TypedDict):
    """What one run did, and what it left.

    ``notified`` messages arrived, ``renotified`` of them for a command that nobody had claimed;
    ``deferred`` ones did not arrive. ``settled`` rows ended by a sign of a worker, ``given_up``
    ones were parked. ``finished`` is false where the time was over or NATS could not be reached.
    """

    notified: int
    renotified: int
    deferred: int
    settled: int
    given_up: int
    keys_removed: int
    finished: bool
    waiting: int
    oldest_seconds: float
    parked: int


class RelayObserver(Protocol):
    """Who is told what the relay does; must not fail."""

    def relayed(self, notified: int, renotified: int) -> None:
        """Tell how many messages arrived, and how many of them were renotifications."""
        ...

    def not_relayed(self, reason: str, number: int) -> None:
        """Tell why so many messages have not arrived."""
        ...

    def given_up(self, number: int) -> None:
        """Tell that notifications were parked."""
        ...

    def outbox(self, state: OutboxState) -> None:
        """Tell what waits at the end of a run."""
        ...


@dataclass(frozen=True, slots=True)
class Relay:
    """Works through the outbox; several at once do no harm.

    :ivar server_url: where workers fetch their command, told in every notification
    :ivar seconds_left: how long the invocation may still take
    """

    outbox: Outbox
    notifier: CommandNotifier
    observer: RelayObserver
    server_url: str
    seconds_left: Callable[[], float] = invocation.seconds_left

    def run(self) -> RelayAnswer:
        """Do all that is due, or as much as there is time for.

        :raises StoreUnavailable: the database cannot answer; what was leased is free again soon
        """
        run = _Run(self)
        # What waits for its first message comes before what has had one.
        run.drain()
        run.look()
        run.tidy()
        state = self.outbox.state()
        self.observer.outbox(state)
        return run.answer(state)


@dataclass(slots=True)
class _Run:
    """One run and its counts."""

    relay: Relay
    is_finished: bool = True
    counts: Counter[str] = field(default_factory=Counter)

    def drain(self) -> None:
        """Send what is due, batch by batch."""
        while self._has_time():
            lease = self.relay.outbox.lease(BATCH, LEASE_SECONDS)
            self.counts["settled"] += lease.settled
            self._give_up(lease.parked)
            if lease.due and not self._send(lease.due):
                self.is_finished = False
                return
            if len(lease.due) + lease.settled + lease.parked < BATCH:
                return

    def look(self) -> None:
        """Find commands that nobody has claimed, and send them anew."""
        while self._has_time():
            look = self.relay.outbox.look(STEP)
            anew = [self._first_notification(command) for command in look.unclaimed]
            fell_due = self.relay.outbox.renew(look, anew)
            if fell_due and self.is_finished:
                self.drain()
            if not look.has_more:
                return

    def tidy(self) -> None:
        """Forget what is over, in small steps."""
        for name, step in (
            ("settled", self.relay.outbox.settle_parked),
            ("keys_removed", self.relay.outbox.remove_expired_keys),
        ):
            while self._has_time():
                done = step(STEP)
                self.counts[name] += done
                if done < STEP:
                    break

    def answer(self, state: OutboxState) -> RelayAnswer:
        """Say what was done and what is left."""
        return RelayAnswer(
            notified=self.counts["notified"],
            renotified=self.counts["renotified"],
            deferred=self.counts["deferred"],
            settled=self.counts["settled"],
            given_up=self.counts["given_up"],
            keys_removed=self.counts["keys_removed"],
            finished=self.is_finished,
            waiting=state.depth,
            oldest_seconds=round(state.age, 1),
            parked=state.parked,
        )

    def _send(self, due: tuple[DueNotification, ...]) -> bool:
        """Publish a batch and note what became of it; return whether another is worth trying."""
        outcomes = self.relay.notifier.notify_many([one.notification for one in due])
        arrived = [one for one, failure in zip(due, outcomes, strict=True) if failure is None]
        failures = [
            _failure(one, failure)
            for one, failure in zip(due, outcomes, strict=True)
            if failure is not None
        ]
        if arrived:
            self.relay.outbox.acknowledge(arrived)
            renotified = sum(one.number > 0 for one in arrived)
            self.counts.update(notified=len(arrived), renotified=renotified)
            self.relay.observer.relayed(len(arrived), renotified)
        if failures:
            self.counts["deferred"] += len(failures)
            for reason, number in Counter(failure.reason for failure in failures).items():
                self.relay.observer.not_relayed(reason, number)
            self._give_up(self.relay.outbox.defer(failures))
        return all(failure.was_tried for failure in failures)

    def _first_notification(self, command: UnclaimedCommand) -> Notification:
        return command_notification(
            command.issued,
            segment_of(command.execution_pool, command.playbook_path),
            self.relay.server_url,
            command.traceparent,
        )

    def _give_up(self, number: int) -> None:
        if number:
            self.counts["given_up"] += number
            self.relay.observer.given_up(number)

    def _has_time(self) -> bool:
        has_time = self.relay.seconds_left() > RESERVE_SECONDS
        self.is_finished = self.is_finished and has_time
        return has_time


def _failure(due: DueNotification, failure: NotificationFailed) -> Failure:
    return Failure(due, failure.message, was_tried=not isinstance(failure, BrokerUnavailable))
