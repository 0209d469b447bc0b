"""Many notifications at once: one connection, one budget, and a failure of one's own each."""

from __future__ import annotations

import os
import signal

import pytest

from control_plane.jetstream import notifier as notifier_module
from tests.integration.jetstream.conftest import make_notification
from tests.proxies.proxy import At

pytestmark = pytest.mark.timeout(30)


def messages_of(failures):
    return [failure and failure.message for failure in failures]


def some(*numbers, segment="shared"):
    return [make_notification(number, segment) for number in numbers]


def test_a_thousand_go_out_on_one_connection_and_are_acknowledged(broker, make_notifier, proxy_to):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)

    failures = notifier.notify_many(some(*range(1000)))

    assert failures == [None] * 1000
    assert proxy.connections == 1
    assert proxy.seen.count(b"HPUB ") == 1000


def test_all_arrive_though_the_connection_is_lost_among_them(broker, make_notifier, proxy_to):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    notifier.notify(make_notification(0))
    large = [make_notification(number) for number in range(1, 400)]
    proxy.trap(b"noetl.commands.shared.399 ", At.CUT)

    assert notifier.notify_many(large) == [None] * 399

    assert proxy.connections == 2
    assert sorted(broker.notifications(), key=str) == sorted(
        [make_notification(0), *large], key=str
    )


def test_one_that_is_too_large_fails_alone(start_server, make_notifier, broker_of):
    server = start_server("max_payload: 1024")
    broker_of(server).add_stream()
    one, large, other = some(1, 2, 3)
    large = type(large)(large.subject, large.message_id, "x" * 2000)

    failures = make_notifier(server.url).notify_many([one, large, other])

    assert messages_of(failures) == [None, "the message is too large for NATS", None]
    assert broker_of(server).notifications() == [one, other]


def test_one_that_no_stream_takes_fails_alone(broker, make_notifier):
    broker.add_stream(subjects=("noetl.commands.shared.>",))
    sent = [*some(1), *some(2, segment="gpu"), *some(3)]

    failures = make_notifier(broker.url).notify_many(sent)

    assert messages_of(failures) == [None, "no stream takes the subject", None]


def test_segments_that_are_denied_fail_alone(start_server, make_notifier, broker_of):
    users = """accounts: {ours: {jetstream: enabled, users: [
      {user: admin, password: admin}
      {user: writer, password: writer, permissions: {publish: "noetl.commands.shared.>"}}]}}"""
    server = start_server(users, auth=False)
    broker = broker_of(server, f"nats://admin:admin@127.0.0.1:{server.port}")
    broker.add_stream()
    sent = [*some(1, 2, segment="GPU"), *some(*range(3, 100)), *some(100, segment="system")]

    url = f"nats://writer:writer@127.0.0.1:{server.port}"
    failures = messages_of(make_notifier(url).notify_many(sent))

    denied = "NATS denies the permission"
    assert failures == [denied, denied, *[None] * 97, denied]
    assert len(broker.messages()) == 97


def test_a_missing_stream_is_made_once_for_all(broker, make_notifier):
    sent = [*some(1, 2), *some(3, segment="gpu"), *some(4)]

    failures = make_notifier(broker.url, nats_manage_stream=True).notify_many(sent)

    assert failures == [None] * 4
    assert set(broker.notifications()) == set(sent)


def test_missing_segments_are_added_to_a_stream_that_is_split_by_them(broker, make_notifier):
    broker.add_stream(subjects=("noetl.commands.system.>",))
    sent = [*some(1), *some(2, segment="gpu"), *some(3, segment="system")]

    failures = make_notifier(broker.url, nats_manage_stream=True).notify_many(sent)

    assert failures == [None] * 3
    assert len(broker.messages()) == 3


def test_without_an_address_none_is_tried(make_notifier):
    failures = make_notifier("").notify_many(some(1, 2))

    assert messages_of(failures) == ["NATS is not configured"] * 2


def test_a_server_that_stands_still_is_given_up_within_the_budget_of_one(
    start_server, make_notifier, broker_of
):
    server = start_server()
    broker_of(server).add_stream()
    notifier = make_notifier(server.url, budget=0.4)
    notifier.notify(make_notification(1))

    os.kill(server.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED)
    try:
        failures = notifier.notify_many(some(*range(50)))
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert len(failures) == 50
    assert None not in failures


def test_answers_that_come_one_by_one_are_waited_for(broker, make_notifier, proxy_to, monkeypatch):
    # Each takes less than the patience, all together take longer.
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    notifier.notify(make_notification(0))
    monkeypatch.setattr(notifier_module, "ACKNOWLEDGEMENT_SECONDS", 0.3)
    proxy.each, proxy.delay = b"HPUB ", 0.03

    assert notifier.notify_many(some(*range(1, 21))) == [None] * 20

    assert proxy.connections == 1
