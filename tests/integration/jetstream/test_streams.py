"""Which stream takes the notifications, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import threading

import nats
import pytest

from control_plane.errors import NotificationFailed
from control_plane.jetstream import JetStreamNotifier
from control_plane.settings import NatsSettings
from tests.integration.jetstream.conftest import make_notification

NANOSECONDS = 1_000_000_000


def test_without_a_stream_the_notification_fails(broker, make_notifier, notification):
    with pytest.raises(NotificationFailed, match=r"^no stream takes the subject$"):
        make_notifier(broker.url).notify(notification)

    assert broker.stream_names() == []


def test_a_missing_stream_is_created_where_the_setting_says_so(broker, make_notifier, notification):
    make_notifier(broker.url, nats_manage_stream=True, nats_stream="mine").notify(notification)

    assert broker.notifications("mine") == [notification]
    config = broker.stream_config("mine")
    assert config["subjects"] == ["noetl.commands", "noetl.commands.>"]
    assert config["storage"] == "file"
    assert config["retention"] == "limits"
    assert config["max_age"] == 24 * 3600 * NANOSECONDS
    assert config["duplicate_window"] == 600 * NANOSECONDS


def test_an_existing_stream_is_never_altered_without_the_setting(
    broker, make_notifier, notification
):
    broker.add_stream(subjects=("noetl.commands",))
    before = broker.stream_config()

    with pytest.raises(NotificationFailed, match=r"^no stream takes the subject$"):
        make_notifier(broker.url).notify(notification)

    assert broker.stream_config() == before


def test_a_stream_that_takes_the_subject_is_left_as_it_is(broker, make_notifier, notification):
    broker.add_stream("other", ("noetl.>",), max_age=3600 * NANOSECONDS)
    before = broker.stream_config("other")

    make_notifier(broker.url, nats_manage_stream=True).notify(notification)

    assert broker.stream_config("other") == before
    assert broker.stream_names() == ["other"]


@pytest.mark.parametrize("name", ["noetl_commands", "NOETL_COMMANDS"])
def test_a_missing_subject_is_added_and_nothing_else_changes(
    broker, make_notifier, notification, name
):
    broker.add_stream(
        name, ("noetl.commands", "elsewhere"), max_age=3_600_000_000_001, metadata={"team": "ours"}
    )
    before = broker.stream_config(name)

    make_notifier(broker.url, nats_manage_stream=True).notify(notification)

    subjects = ["noetl.commands", "elsewhere", "noetl.commands.>"]
    assert broker.stream_config(name) == {**before, "subjects": subjects}
    assert broker.notifications(name) == [notification]


def test_the_stream_of_the_setting_gets_the_subject_when_it_has_none_of_ours(
    broker, make_notifier, notification
):
    broker.add_stream("mine", ("elsewhere",))

    make_notifier(broker.url, nats_manage_stream=True, nats_stream="mine").notify(notification)

    assert broker.stream_config("mine")["subjects"] == ["elsewhere", "noetl.commands.>"]


def test_a_stream_of_one_pool_gets_the_subject_of_the_other(broker, make_notifier, notification):
    broker.add_stream(subjects=("noetl.commands", "noetl.commands.system.>"))

    make_notifier(broker.url, nats_manage_stream=True).notify(notification)

    assert broker.stream_config()["subjects"] == [
        "noetl.commands", "noetl.commands.system.>", "noetl.commands.shared.>",
    ]  # fmt: skip


def test_several_sandboxes_may_create_the_stream_at_once(broker):
    settings = NatsSettings(nats_url=broker.url, nats_manage_stream=True)
    barrier = threading.Barrier(6)
    failures = []

    def start(number: int) -> None:
        notifier = JetStreamNotifier(settings)
        barrier.wait()
        try:
            notifier.notify(make_notification(number))
        except NotificationFailed as failure:
            failures.append(failure)
        finally:
            notifier.close()

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert broker.stream_names() == ["noetl_commands"]
    assert len(broker.messages()) == 6


def test_a_name_taken_by_another_shape_of_stream_is_said_with_its_code(
    broker, make_notifier, notification
):
    broker.add_stream("source", ("elsewhere",))
    broker.add_stream("mine", (), mirror={"name": "source"})

    with pytest.raises(NotificationFailed, match=r"none can be made: JetStream error \d+$"):
        make_notifier(broker.url, nats_manage_stream=True, nats_stream="mine").notify(notification)


@pytest.mark.parametrize("limit", [{"max_msgs": 1}, {"max_bytes": 200}])
def test_a_full_stream_that_takes_nothing_new_refuses(broker, make_notifier, limit):
    broker.add_stream(discard="new", **limit)
    notifier = make_notifier(broker.url)
    notifier.notify(make_notification(1))

    with pytest.raises(NotificationFailed, match=r"^the stream refuses the message: maximum"):
        notifier.notify(make_notification(2))

    assert len(broker.messages()) == 1


def test_a_stream_that_takes_no_messages_this_large_refuses(broker, make_notifier, notification):
    broker.add_stream(max_msg_size=10)

    with pytest.raises(NotificationFailed, match=r"message size exceeds maximum allowed$"):
        make_notifier(broker.url).notify(notification)


def test_a_message_too_large_for_the_server_is_not_sent(
    broker, make_notifier, start_server, notification
):
    server = start_server("max_payload: 20")

    with pytest.raises(NotificationFailed, match=r"^the message is too large for NATS$"):
        make_notifier(server.url).notify(notification)


def test_a_refusal_keeps_the_connection(broker, make_notifier, proxy_to, notification):
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    for _ in range(3):
        with pytest.raises(NotificationFailed):
            notifier.notify(notification)

    broker.add_stream()
    notifier.notify(notification)

    assert proxy.connections == 1
    assert broker.notifications() == [notification]


def test_jetstream_that_is_not_enabled_is_said(make_notifier, start_server, notification):
    server = start_server(
        "accounts: {plain: {users: [{user: u, password: p}]}}\nno_auth_user: u", auth=False
    )
    notifier = make_notifier(server.url, nats_manage_stream=True)

    with pytest.raises(NotificationFailed, match=r"JetStream"):
        notifier.notify(notification)


def test_an_answer_that_is_no_acknowledgement_is_a_failure(broker, make_notifier, notification):
    answered = threading.Event()
    ready = threading.Event()

    async def answer() -> None:
        async with await nats.connect(broker.url) as client:
            subscription = await client.subscribe("noetl.commands.>")
            await client.flush()
            ready.set()
            message = await subscription.next_msg(timeout=10)
            await message.respond(json.dumps({"thanks": True}).encode())
            answered.set()

    thread = threading.Thread(target=asyncio.run, args=(answer(),))
    thread.start()
    assert ready.wait(10)
    with pytest.raises(NotificationFailed, match=r"^the notifier failed: TypeError$"):
        make_notifier(broker.url).notify(notification)
    thread.join(10)
    assert answered.is_set()
