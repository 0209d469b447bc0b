"""What health says about NATS."""

from __future__ import annotations

import pytest

from tests.proxies.proxy import At


def test_a_stream_that_takes_the_subject_is_ok(broker, make_notifier):
    broker.add_stream("NOETL_COMMANDS")

    assert make_notifier(broker.url).probe() == "ok"


@pytest.mark.parametrize("subjects", [(), ("noetl.commands",), ("noetl.commands.system.>",)])
def test_no_stream_for_the_shared_pool_is_said(broker, make_notifier, subjects):
    if subjects:
        broker.add_stream(subjects=subjects)

    assert make_notifier(broker.url).probe() == "no stream"


def test_a_stream_that_the_next_notification_makes_is_ok_and_not_made_yet(broker, make_notifier):
    assert make_notifier(broker.url, nats_manage_stream=True).probe() == "ok"
    assert broker.stream_names() == []


def test_without_jetstream_there_is_no_stream(start_server, make_notifier):
    server = start_server(
        "accounts: {plain: {users: [{user: u, password: p}]}}\nno_auth_user: u", auth=False
    )

    assert make_notifier(server.url).probe() == "no stream"


def test_a_connection_that_was_cut_is_opened_again(broker, make_notifier, proxy_to):
    broker.add_stream()
    proxy = proxy_to(broker.url)
    notifier = make_notifier(proxy.url)
    assert notifier.probe() == "ok"

    proxy.trap(b"STREAM.NAMES", At.CUT)

    assert notifier.probe() == "ok"
    assert proxy.connections == 2
