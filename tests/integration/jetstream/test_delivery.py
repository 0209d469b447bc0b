"""What stands in the stream, byte for byte."""

from __future__ import annotations

import json

import pytest

from control_plane.errors import ConfigurationError, NotificationFailed
from control_plane.ports import Notification

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_stream_holds_the_body_and_two_headers(broker, make_notifier):
    broker.add_stream()
    body = '{"execution_id": 658371920845275136, "event_id": 658371920853663745, "step": "Straße"}'

    make_notifier(broker.url).notify(Notification("noetl.commands.shared.1", "1:ß:2", body, TRACE))

    [message] = broker.messages()
    assert message.body == body.encode()
    assert message.header == (
        f"NATS/1.0\r\nNats-Msg-Id: 1:ß:2\r\ntraceparent: {TRACE}\r\n\r\n".encode()
    )
    received = json.loads(message.body)
    assert received["execution_id"] == 658371920845275136
    assert received["event_id"] == 658371920853663745


def test_a_stream_of_a_python_installation_takes_it_as_well(broker, make_notifier, notification):
    broker.add_stream("NOETL_COMMANDS", ("noetl.commands", "noetl.commands.>"))

    make_notifier(broker.url).notify(notification)

    assert broker.notifications("NOETL_COMMANDS") == [notification]
    assert broker.stream_names() == ["NOETL_COMMANDS"]


def test_all_notifications_share_one_connection(broker, make_notifier, proxy_to, notification):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)

    for _ in range(3):
        notifier.notify(notification)

    assert proxy.connections == 1


def test_a_notification_costs_one_message_to_the_server(
    broker, make_notifier, proxy_to, notification
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url, nats_manage_stream=True)
    notifier.notify(notification)
    before = len(proxy.seen)

    notifier.notify(notification)

    sent = proxy.seen[before:]
    assert sent.startswith(b"HPUB noetl.commands.shared.1 ")
    assert sent.count(b"PUB ") == 1
    assert sent.endswith(notification.body.encode() + b"\r\n")


def test_without_an_address_nothing_is_tried(make_notifier, notification):
    notifier = make_notifier("")

    with pytest.raises(NotificationFailed, match=r"^NATS is not configured$"):
        notifier.notify(notification)
    assert notifier.probe() == "not configured"


@pytest.mark.parametrize(
    "url",
    ["http://h", "ws://h", "nats://", "nats://u:topsecret@h:port", "nats://h:99999", "nats://[::1"],
)
def test_a_malformed_address_fails_at_start_up_and_is_not_repeated(make_notifier, url):
    with pytest.raises(ConfigurationError, match=r"^NATS_URL: ") as error:
        make_notifier(url)
    assert "topsecret" not in str(error.value)


@pytest.mark.parametrize("name", ["a.b", "a b", "*", "a/b"])
def test_a_malformed_stream_name_fails_at_start_up(make_notifier, name):
    with pytest.raises(ConfigurationError, match=r"^NATS_STREAM: "):
        make_notifier("nats://localhost", nats_stream=name)


def test_a_notifier_may_be_used_again_after_it_was_closed(broker, make_notifier, notification):
    broker.add_stream()
    notifier = make_notifier(broker.url)
    notifier.notify(notification)

    notifier.close()
    notifier.notify(notification)

    assert broker.notifications() == [notification]
