"""Servers that are down, stopped, killed or silent, and sandboxes that were frozen or cloned."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
import traceback

import pytest

from control_plane import invocation
from control_plane.errors import BrokerUnavailable, NotificationFailed
from control_plane.jetstream import connection
from control_plane.jetstream import notifier as notifier_module
from local.server import choose_port
from tests.integration.jetstream.conftest import make_notification
from tests.proxies.proxy import At

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def patient(monkeypatch):
    """Wait for an acknowledgement longer than a test may take: only noticing a loss helps."""
    monkeypatch.setattr(notifier_module, "ACKNOWLEDGEMENT_SECONDS", 600.0)
    return {"budget": 600.0}


@pytest.fixture
def after_a_pause(monkeypatch):
    """Every use of a connection counts as one after a long pause."""
    monkeypatch.setattr(connection, "IDLE_SECONDS", -1.0)


def test_a_server_that_is_down_is_a_failure(make_notifier, notification):
    port = choose_port(("127.0.0.1",), None, "nobody")
    notifier = make_notifier(f"nats://127.0.0.1:{port}")

    with pytest.raises(NotificationFailed, match=r"^cannot connect to NATS: connection refused$"):
        notifier.notify(notification)
    assert notifier.probe() == "unreachable"


def test_an_unknown_host_is_a_failure(make_notifier, notification):
    notifier = make_notifier("nats://nowhere.invalid")

    with pytest.raises(NotificationFailed, match=r"^cannot connect to NATS: unknown host$"):
        notifier.notify(notification)


def test_something_that_does_not_speak_nats_is_a_failure(nats_server, make_notifier, notification):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        notifier = make_notifier(f"nats://127.0.0.1:{mute.getsockname()[1]}", budget=0.3)

        with pytest.raises(
            NotificationFailed, match=r"^cannot connect to NATS: no answer in time$"
        ):
            notifier.notify(notification)
        assert notifier.probe() == "unreachable"


def test_the_next_server_of_the_list_is_tried(broker, make_notifier):
    broker.add_stream()
    port = choose_port(("127.0.0.1",), None, "nobody")

    with socket.create_server(("127.0.0.1", 0)) as mute:
        dead = f"nats://127.0.0.1:{port},nats://127.0.0.1:{mute.getsockname()[1]}"
        notifier = make_notifier(f"{dead},{broker.url}")
        for number in range(3):
            notifier.notify(make_notification(number))

    assert len(broker.messages()) == 3


def test_a_server_that_was_restarted_is_reached_again(
    start_server, make_notifier, broker_of, patient
):
    server = start_server()
    broker = broker_of(server)
    broker.add_stream()
    notifier = make_notifier(server.url, **patient)
    notifier.notify(make_notification(1))

    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    server.start()
    notifier.notify(make_notification(2))

    assert broker.notifications() == [make_notification(1), make_notification(2)]


def test_a_server_that_came_back_later_is_reached_again(
    start_server, make_notifier, broker_of, notification
):
    server = start_server()
    broker_of(server).add_stream()
    notifier = make_notifier(server.url)
    server.stop()
    with pytest.raises(NotificationFailed, match=r"refused"):
        notifier.notify(notification)

    server.start()
    notifier.notify(notification)

    assert broker_of(server).notifications() == [notification]


def test_a_server_that_stands_still_is_given_up_within_the_budget(
    start_server, make_notifier, broker_of, notification
):
    server = start_server()
    broker_of(server).add_stream()
    notifier = make_notifier(server.url)
    notifier.notify(make_notification(7))

    os.kill(server.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED)
    try:
        begin = time.monotonic()
        with pytest.raises(
            NotificationFailed, match=r"^cannot connect to NATS: no answer in time$"
        ):
            notifier.notify(notification)
        assert time.monotonic() - begin < notifier_module.BUDGET_SECONDS + 2
    finally:
        os.kill(server.pid, signal.SIGCONT)
    notifier.notify(notification)

    assert broker_of(server).notifications() == [make_notification(7), notification]


def test_an_acknowledgement_that_never_comes_ends_with_the_budget(
    broker, make_notifier, notification, patient
):
    broker.add_stream(no_ack=True)
    notifier = make_notifier(broker.url, budget=1.0)

    with pytest.raises(NotificationFailed, match=r"^no acknowledgement in time$"):
        notifier.notify(notification)


def test_a_connection_cut_while_the_answer_is_awaited_is_noticed_at_once(
    broker, make_notifier, proxy_to, notification, patient
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url, **patient)
    proxy.trap(b"HPUB", At.CUT)

    notifier.notify(notification)

    assert broker.notifications() == [notification]
    assert proxy.connections == 2


def test_a_lost_acknowledgement_is_asked_for_again_and_the_message_stands_once(
    broker, make_notifier, proxy_to, notification
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    proxy.trap(b"HPUB", At.HOLD_REPLY)

    notifier.notify(notification)

    assert proxy.seen.count(b"HPUB") == 2
    assert broker.notifications() == [notification]


def test_silently_lost_packets_are_noticed_by_the_missing_acknowledgement(
    broker, make_notifier, proxy_to, notification
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    notifier.notify(make_notification(7))

    proxy.lose_packets()
    notifier.notify(notification)

    assert broker.notifications() == [make_notification(7), notification]


@pytest.mark.usefixtures("after_a_pause")
def test_after_a_pause_silently_lost_packets_are_noticed_before_the_publish(
    broker, make_notifier, proxy_to, notification, patient
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url, **patient)
    notifier.notify(make_notification(7))

    proxy.lose_packets()
    notifier.notify(notification)

    assert proxy.seen.count(b"HPUB") == 2
    assert broker.notifications() == [make_notification(7), notification]


@pytest.mark.usefixtures("after_a_pause")
def test_after_a_pause_a_living_connection_is_kept(broker, make_notifier, proxy_to):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)

    for number in range(3):
        notifier.notify(make_notification(number))

    assert proxy.connections == 1
    assert len(broker.messages()) == 3


def test_a_message_that_was_given_up_does_not_vouch_for_the_next(
    broker, make_notifier, proxy_to, notification
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    proxy.trap(b"HPUB", At.HOLD_REPLY, times=2)
    with pytest.raises(NotificationFailed, match=r"^no acknowledgement in time$"):
        notifier.notify(make_notification(7))
    broker.delete_stream()

    with pytest.raises(NotificationFailed, match=r"^no stream takes the subject$"):
        notifier.notify(notification)


def test_a_clone_opens_a_connection_of_its_own_and_leaves_the_original_alone(
    broker, make_notifier, proxy_to
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    notifier.notify(make_notification(1))

    children = [fork_and_notify(notifier, number) for number in (2, 3)]

    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    notifier.notify(make_notification(4))
    assert proxy.connections == 3
    assert {message.body for message in broker.messages()} == {
        make_notification(number).body.encode() for number in (1, 2, 3, 4)
    }


def fork_and_notify(notifier, number):
    child = os.fork()
    if child == 0:
        try:
            notifier.forget()
            notifier.notify(make_notification(number))
            notifier.close()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def test_forgetting_sends_nothing(broker, make_notifier, proxy_to, notification):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    notifier.notify(make_notification(7))
    before = proxy.seen

    notifier.forget()
    broker.notifications()

    assert proxy.seen == before


def test_preparing_connects_before_anything_is_notified(
    broker, make_notifier, proxy_to, notification
):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)

    notifier.prepare()
    notifier._loop._thread.join(10)
    assert proxy.connections == 1
    notifier.notify(notification)

    assert proxy.connections == 1
    assert broker.notifications() == [notification]


def test_what_was_prepared_in_vain_counts_towards_the_budget(make_notifier, notification):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        notifier = make_notifier(f"nats://127.0.0.1:{mute.getsockname()[1]}", budget=0.5)
        notifier.prepare()

        with pytest.raises(BrokerUnavailable, match=r"no answer in time$"):
            notifier.notify(notification)


def test_the_end_of_the_invocation_ends_the_wait(broker, make_notifier, notification):
    broker.add_stream(no_ack=True)
    notifier = make_notifier(broker.url, budget=600.0)

    with (
        invocation.lasting(invocation.RESERVE_SECONDS + 0.3),
        pytest.raises(NotificationFailed, match=r"^no acknowledgement in time$"),
    ):
        notifier.notify(notification)


def test_nothing_is_left_of_a_notifier_that_was_closed(broker, make_notifier, notification):
    broker.add_stream()
    notifier = make_notifier(broker.url)
    notifier.notify(notification)
    loop = notifier._loop._runner.get_loop()
    tasks = asyncio.all_tasks(loop)

    notifier.close()

    assert loop.is_closed()
    assert tasks
    assert all(task.done() for task in tasks)
