"""The relay on fakes: what it sends, in which order, and when it stops."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from control_plane.errors import BrokerUnavailable, InvalidRequest, NotificationFailed
from control_plane.ports import Notification
from control_plane.relay import relay as module
from control_plane.relay.orders import follow
from control_plane.relay.relay import Relay
from tests.contract.fake_notifier import FakeCommandNotifier
from tests.unit.control_plane import ControlPlane

NATS_DOWN = "cannot connect to NATS: connection refused"


class Observer:
    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def relayed(self, notified: int, renotified: int) -> None:
        self.told.append(("relayed", notified, renotified))

    def not_relayed(self, reason: str, number: int) -> None:
        self.told.append(("not relayed", reason, number))

    def given_up(self, number: int) -> None:
        self.told.append(("given up", number))

    def outbox(self, state: Any) -> None:
        self.told.append(("outbox", state.depth, state.parked))


class AbsentBroker(FakeCommandNotifier):
    """NATS cannot be reached: nothing is tried."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def notify_many(self, notifications: Sequence[Notification]) -> list[NotificationFailed | None]:
        self.asked += 1
        return [BrokerUnavailable(NATS_DOWN)] * len(notifications)


class World:
    """A control plane whose own notifications fail, and a relay beside it."""

    def __init__(self, **outbox: Any) -> None:
        self.plane = ControlPlane()
        self.plane.notifier.failure = NATS_DOWN
        self.workers = FakeCommandNotifier()
        self.observer = Observer()
        self.outbox = self.plane.backend.outbox(**outbox)
        self.relay = self.with_notifier(self.workers)

    def with_notifier(self, notifier: Any, seconds_left: float = 50) -> Relay:
        return Relay(
            outbox=self.outbox,
            notifier=notifier,
            observer=self.observer,
            server_url="https://noetl.example.com",
            seconds_left=lambda: seconds_left,
        )

    def start(self, number: int = 1, **body: Any) -> list[Any]:
        for place in range(number):
            self.plane.start(key=f"{len(self.plane.starts)}-{place}", **body)
        return self.plane.starts[-number:]

    def pass_time(self, seconds: float) -> None:
        self.plane.backend.pass_time(seconds)

    @property
    def received(self) -> list[str]:
        return [message.message_id for message in self.workers.published]


@pytest.fixture
def world() -> World:
    return World()


def test_with_nothing_due_a_run_asks_once_for_each_thing_and_ends(world):
    answer = world.relay.run()
    assert answer == {
        "notified": 0,
        "renotified": 0,
        "deferred": 0,
        "settled": 0,
        "given_up": 0,
        "keys_removed": 0,
        "finished": True,
        "waiting": 0,
        "oldest_seconds": 0.0,
        "parked": 0,
    }
    assert world.observer.told == [("outbox", 0, 0)]


def test_what_a_start_could_not_send_is_sent_as_it_was(world):
    (start,) = world.start()
    world.pass_time(61)
    assert world.relay.run()["notified"] == 1
    assert world.workers.published == [start.notification]


def test_more_than_a_batch_is_sent_in_one_run(world, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 4)
    world.start(10)
    world.pass_time(61)
    answer = world.relay.run()
    assert (answer["notified"], answer["waiting"]) == (10, 0)
    assert len(world.received) == 10


def test_what_fails_is_deferred_and_the_rest_arrives(world):
    one, other = world.start(2)
    world.pass_time(61)

    class Picky(FakeCommandNotifier):
        def notify(self, notification: Notification) -> None:
            if notification.message_id == one.notification.message_id:
                raise NotificationFailed("the stream refuses the message: JetStream error 1")
            super().notify(notification)

        def _publish(self, notification: Notification) -> NotificationFailed | None:
            if notification.message_id == one.notification.message_id:
                return NotificationFailed("the stream refuses the message: JetStream error 1")
            return super()._publish(notification)

    workers = Picky()
    answer = world.with_notifier(workers).run()
    assert (answer["notified"], answer["deferred"], answer["finished"]) == (1, 1, True)
    assert workers.published == [other.notification]
    assert ("not relayed", "the stream refuses the message: JetStream error 1", 1) in (
        world.observer.told
    )


def test_where_nats_cannot_be_reached_one_batch_is_enough(world, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 4)
    world.start(10)
    world.pass_time(61)
    broker = AbsentBroker()
    answer = world.with_notifier(broker).run()
    assert broker.asked == 1
    assert (answer["deferred"], answer["finished"], answer["waiting"]) == (4, False, 10)


def test_once_nats_is_back_everything_is_sent_in_the_next_run(world):
    world.start(3)
    world.pass_time(61)
    for _ in range(20):
        world.with_notifier(AbsentBroker()).run()
        world.pass_time(60)
    assert world.relay.run()["notified"] == 3


def test_an_hour_old_notification_is_parked_told_and_released_by_an_order():
    world = World(park_after=3600)
    (start,) = world.start()
    world.pass_time(3601)
    answer = world.with_notifier(AbsentBroker()).run()
    assert (answer["given_up"], answer["parked"]) == (1, 1)
    assert ("given up", 1) in world.observer.told
    (listed,) = follow(world.relay, {"parked": 10})["parked"]
    assert listed["execution_id"] == str(start.ids.execution_id)
    assert listed["last_error"] == NATS_DOWN
    answer = follow(world.relay, {"release": [listed["execution_id"]]})
    assert (answer["released"], answer["notified"], answer["parked"]) == (1, 1, 0)


def test_everything_is_released_by_one_order():
    world = World(park_after=3600)
    world.start(3)
    world.pass_time(3601)
    world.with_notifier(AbsentBroker()).run()
    assert follow(world.relay, {"release": "all"})["released"] == 3
    assert len(world.received) == 3


@pytest.mark.parametrize(
    "event",
    [
        {"relase": "all"},
        {"release": "some"},
        {"release": ["x"]},
        {"parked": 0},
        {"parked": True},
        [],
    ],
)
def test_an_order_that_nobody_understands_does_nothing(world, event):
    world.start()
    world.pass_time(61)
    with pytest.raises(InvalidRequest):
        follow(world.relay, event)
    assert world.received == []


@pytest.mark.parametrize("event", [{}, {"detail-type": "Scheduled Event", "source": "aws.events"}])
def test_a_schedule_and_an_empty_event_run_the_relay(world, event):
    world.start()
    world.pass_time(61)
    assert follow(world.relay, event)["notified"] == 1


def test_a_command_that_nobody_claims_is_sent_anew_with_the_same_words(world):
    world.plane.notifier.failure = None
    first = world.start(2)[0]
    assert world.plane.backend.pending() != [first.ids.command_id]
    world.pass_time(301)
    answer = world.relay.run()
    assert answer["renotified"] >= 1
    (again,) = [
        m for m in world.workers.published if m.message_id.startswith(first.notification.message_id)
    ]
    assert again.message_id == f"{first.notification.message_id}:1"
    assert again.subject == first.notification.subject
    assert json.loads(again.body) == json.loads(first.notification.body)


def test_with_no_time_left_nothing_is_begun(world):
    world.start()
    world.pass_time(61)
    answer = world.with_notifier(world.workers, seconds_left=module.RESERVE_SECONDS).run()
    assert (answer["notified"], answer["finished"], answer["waiting"]) == (0, False, 1)


def test_expired_keys_are_removed_in_steps(world, monkeypatch):
    monkeypatch.setattr(module, "STEP", 2)
    world.start(5)
    world.pass_time(15 * 86_400)
    assert world.relay.run()["keys_removed"] == 5
    assert world.plane.backend.keys() == []
