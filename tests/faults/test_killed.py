"""Processes that are killed, at any point of a start, and invocations that are."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.world import stored
from tests.proxies.proxy import At

KEY = "order-1"


def execution_of(world, key=KEY):
    return world.executions().get(stored(key))


def notified(world, execution_id):
    return [one for one in world.nats.message_ids() if one.startswith(f"{execution_id}:")]


def due_execution(world, sandbox):
    """Return the id of an execution whose notification is the relay's to send, by now."""
    world.nats.refuse()
    reply = world.start(sandbox)
    world.nats.mend()
    world.pass_time(61)
    return int(reply.body["execution_id"])


def killed_at(world, sandbox, proxy, words, at):
    """Kill the sandbox at that moment of a start."""
    trap = proxy.trap(words, at)
    reply = world.soon(world.start, sandbox, KEY)
    trap.wait()
    sandbox.kill()
    assert reply.result(20).status is None
    proxy.heal()
    proxy.close_connections()


def test_killed_before_the_commit_nothing_is_recorded_and_the_key_is_free(world, sandbox, relay):
    killed_at(world, sandbox, world.postgres.proxy, b"record_start", At.HOLD)
    assert execution_of(world) is None
    assert world.start(world.sandbox(), KEY).status == 200
    world.verify(relay)


def test_killed_while_the_playbook_is_looked_up_nothing_is_recorded(world, sandbox, relay):
    killed_at(world, sandbox, world.postgres.proxy, b"resolve_start", At.HOLD_REPLY)
    assert execution_of(world) is None
    world.verify(relay)


def test_killed_between_commit_and_publish_the_relay_notifies_within_two_minutes(
    world, sandbox, relay
):
    killed_at(world, sandbox, world.postgres.proxy, b"record_start", At.HOLD_REPLY)
    execution_id = execution_of(world)
    assert notified(world, execution_id) == []
    world.tick(relay)
    world.tick(relay)
    assert len(notified(world, execution_id)) == 1
    world.verify(relay)


def test_killed_between_commit_and_publish_the_key_tells_the_execution(world, sandbox, relay):
    killed_at(world, sandbox, world.postgres.proxy, b"record_start", At.HOLD_REPLY)
    again = world.start(world.sandbox(), KEY)
    assert again.body["execution_id"] == str(execution_of(world))
    world.verify(relay)


def test_killed_while_it_publishes_the_relay_does(world, sandbox, relay):
    killed_at(world, sandbox, world.nats.proxy, b"HPUB", At.CUT)
    world.tick(relay)
    world.tick(relay)
    assert len(notified(world, execution_of(world))) == 1
    world.verify(relay)


def test_killed_after_the_publish_the_relay_s_message_is_the_same_one(world, sandbox, relay):
    killed_at(world, sandbox, world.nats.proxy, b"HPUB", At.HOLD_REPLY)
    assert len(notified(world, execution_of(world))) == 1
    world.tick(relay, 61)
    assert len(notified(world, execution_of(world))) == 1
    world.verify(relay)


@pytest.mark.parametrize("at", [At.CUT, At.CUT_AFTER, At.LOSE_REPLY])
def test_a_lost_reply_to_the_commit_is_asked_for_under_the_key(world, sandbox, relay, at):
    trap = world.postgres.proxy.trap(b"record_start", at)
    reply = world.start(sandbox, KEY)
    assert trap.sprung.is_set()
    assert (reply.status, reply.body["execution_id"]) == (200, str(execution_of(world)))
    world.verify(relay)


def test_when_the_database_goes_with_its_reply_the_key_tells_later(world, sandbox, relay):
    trap = world.postgres.proxy.trap(b"record_start", At.HOLD_REPLY)
    reply = world.soon(world.start, sandbox, KEY)
    trap.wait()
    world.postgres.refuse()
    assert reply.result(20).status == 503
    world.postgres.mend()
    assert world.start(sandbox, KEY).body["execution_id"] == str(execution_of(world))
    world.verify(relay)


def test_an_invocation_killed_at_its_deadline_leaves_a_start_or_nothing(world, sandbox, relay):
    trap = world.postgres.proxy.trap(b"record_start", At.HOLD_REPLY)
    reply = world.soon(world.start, sandbox, KEY, timeout=2)
    trap.wait()
    with sandbox.frozen():
        assert reply.result(20).status is None
    again = world.start(world.sandbox(), KEY)
    assert again.body["execution_id"] == str(execution_of(world))
    world.verify(relay)


def test_a_relay_killed_with_leases_loses_nothing(world, sandbox, relay):
    execution_id = due_execution(world, sandbox)
    trap = world.nats.proxy.trap(b"HPUB", At.HOLD)
    running = world.soon(relay.invoke, {})
    trap.wait()
    relay.kill()
    assert running.exception(20) is not None
    world.nats.mend()
    other = world.sandbox("RelayFunction")
    assert other.invoke({})["notified"] == 0
    assert world.tick(other, 31)["notified"] == 1
    assert len(notified(world, execution_id)) == 1
    world.verify(other)


def test_a_relay_killed_after_it_sent_is_followed_by_one_that_sends_the_same(world, sandbox, relay):
    execution_id = due_execution(world, sandbox)
    trap = world.postgres.proxy.trap(b"notified_at = now()", At.HOLD)
    running = world.soon(relay.invoke, {})
    trap.wait()
    relay.kill()
    assert running.exception(20) is not None
    world.postgres.mend()
    other = world.sandbox("RelayFunction")
    assert world.tick(other, 31)["notified"] >= 1
    assert len(notified(world, execution_id)) == 1
    world.verify(other)


def test_two_relays_at_once_send_everything_once(world, sandbox, relay):
    world.nats.refuse()
    replies = world.start_many(sandbox, 520)
    assert {reply.status for reply in replies} == {200}
    world.nats.mend()
    world.pass_time(61)
    trap = world.nats.proxy.trap(b"HPUB", At.HOLD)
    first = world.soon(world.relay, relay)
    trap.wait()
    # The first one has leased a batch of 500; the other one does not wait for it.
    second = world.tick(world.sandbox("RelayFunction"), 0)
    assert 0 < second["notified"] < 520
    assert first.result(60)["notified"] + second["notified"] >= 520
    sent = Counter(message_id.partition(":")[0] for message_id in world.nats.message_ids())
    assert {sent[str(reply.execution_id)] for reply in replies} == {1}
    world.verify(relay)
