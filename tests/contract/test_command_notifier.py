"""What a notifier promises, the fake one and the real one alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import pytest

from control_plane.errors import NotificationFailed
from control_plane.jetstream import JetStreamNotifier
from control_plane.ports import CommandNotifier, Notification
from control_plane.settings import NatsSettings
from tests.contract.fake_notifier import FakeCommandNotifier
from tests.fixtures_nats import Broker

NOTIFICATION = Notification(
    subject="noetl.commands.shared.658371920845275136",
    message_id="658371920845275136:start:658371920853663745",
    body='{"execution_id": 658371920845275136, "step": "start"}',
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


class Workers(Protocol):
    """Who is notified."""

    notifier: CommandNotifier

    def received(self) -> list[Notification]: ...

    def go_away(self) -> None: ...

    def come_back(self) -> None: ...

    def health(self) -> str: ...


class FakeWorkers:
    def __init__(self) -> None:
        self.notifier = FakeCommandNotifier()

    def received(self) -> list[Notification]:
        return self.notifier.published

    def go_away(self) -> None:
        self.notifier.failure = "no stream takes the subject"

    def come_back(self) -> None:
        self.notifier.failure = None

    def health(self) -> str:
        return self.notifier.probe()


class JetStreamWorkers:
    def __init__(self, broker: Broker, notifier: JetStreamNotifier) -> None:
        self.notifier = notifier
        self._broker = broker
        self.come_back()

    def received(self) -> list[Notification]:
        return self._broker.notifications()

    def go_away(self) -> None:
        self._broker.delete_stream()

    def come_back(self) -> None:
        self._broker.add_stream()

    def health(self) -> str:
        return self.notifier.probe()


@pytest.fixture(params=["fake", "jetstream"])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    if request.param == "fake":
        yield FakeWorkers()
        return
    broker = request.getfixturevalue("broker")
    with closing(JetStreamNotifier(NatsSettings(nats_url=broker.url))) as notifier:
        yield JetStreamWorkers(broker, notifier)


def with_id(message_id: str, **changes: str | None) -> Notification:
    given = {"subject": NOTIFICATION.subject, "body": NOTIFICATION.body, "traceparent": None}
    return Notification(message_id=message_id, **{**given, **changes})


def test_a_notification_arrives_as_it_was_sent(workers):
    workers.notifier.notify(NOTIFICATION)

    assert workers.received() == [NOTIFICATION]


def test_a_notification_without_a_trace_arrives_without_one(workers):
    workers.notifier.notify(with_id("1:start:2"))

    assert [message.traceparent for message in workers.received()] == [None]


@pytest.mark.parametrize("step", ["a.b", '"quoted"', "größe", "🚀", "with space", "x" * 300])
def test_a_step_may_have_any_name(workers, step):
    notification = with_id(f"1:{step}:2", body=f'{{"step": "{step}"}}')

    workers.notifier.notify(notification)

    assert workers.received() == [notification]


def test_notifications_arrive_in_their_order(workers):
    sent = [with_id(f"{number}:start:2") for number in range(5)]

    for notification in sent:
        workers.notifier.notify(notification)

    assert workers.received() == sent


def test_the_same_message_id_twice_is_one_message(workers):
    workers.notifier.notify(NOTIFICATION)
    workers.notifier.notify(NOTIFICATION)

    assert workers.received() == [NOTIFICATION]


def test_a_renotification_under_another_id_is_a_message_of_its_own(workers):
    workers.notifier.notify(with_id("1:start:2"))
    workers.notifier.notify(with_id("1:start:2:1"))

    assert [message.message_id for message in workers.received()] == ["1:start:2", "1:start:2:1"]


def test_a_failure_says_its_reason(workers):
    workers.go_away()

    with pytest.raises(NotificationFailed, match=r"^no stream takes the subject$"):
        workers.notifier.notify(NOTIFICATION)


def test_what_failed_can_be_notified_later(workers):
    workers.go_away()
    with pytest.raises(NotificationFailed):
        workers.notifier.notify(NOTIFICATION)
    workers.come_back()

    workers.notifier.notify(NOTIFICATION)

    assert workers.received() == [NOTIFICATION]


def test_many_notifications_arrive_in_their_order(workers):
    sent = [with_id(f"{number}:start:2") for number in range(100)]

    assert workers.notifier.notify_many(sent) == [None] * 100

    assert workers.received() == sent


def test_no_notification_at_all_is_no_failure(workers):
    assert workers.notifier.notify_many([]) == []


def test_the_same_message_id_twice_among_many_is_one_message(workers):
    workers.notifier.notify(NOTIFICATION)

    assert workers.notifier.notify_many([NOTIFICATION, NOTIFICATION]) == [None, None]

    assert workers.received() == [NOTIFICATION]


def test_each_of_many_says_why_it_failed(workers):
    workers.go_away()

    failures = workers.notifier.notify_many([with_id("1:start:2"), with_id("2:start:3")])

    assert [failure.message for failure in failures] == ["no stream takes the subject"] * 2


def test_many_that_failed_can_be_notified_later(workers):
    sent = [with_id("1:start:2"), with_id("2:start:3")]
    workers.go_away()
    workers.notifier.notify_many(sent)
    workers.come_back()

    assert workers.notifier.notify_many(sent) == [None, None]

    assert workers.received() == sent


def test_a_notifier_may_be_prepared_at_any_time(workers):
    workers.notifier.prepare()
    workers.notifier.notify(with_id("1:start:2"))
    workers.notifier.prepare()
    workers.notifier.prepare()
    workers.notifier.notify(with_id("3:start:4"))

    assert [message.message_id for message in workers.received()] == ["1:start:2", "3:start:4"]


def test_preparing_fails_in_silence(workers):
    workers.go_away()
    workers.notifier.prepare()

    with pytest.raises(NotificationFailed):
        workers.notifier.notify(NOTIFICATION)


def test_the_probe_tells_whether_notifications_would_arrive(workers):
    assert workers.health() == "ok"
    workers.go_away()
    assert workers.health() == "no stream"
