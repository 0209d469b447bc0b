"""NATS in all its ways to fail: starts stand, and the relay sees to the rest."""

from __future__ import annotations

import pytest

from tests.faults.nats_faults import FAULTS, Nats


def notified(world, reply):
    return [one for one in world.nats.message_ids() if one.startswith(reply.body["execution_id"])]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_start_stands_and_is_notified_once_nats_is_back(world, sandbox, relay, fault):
    fault(world.nats)
    reply = world.start(sandbox)
    assert reply.status == 200
    world.nats.mend()
    world.tick(relay, 61)
    assert len(notified(world, reply)) == 1
    world.verify(relay)


@pytest.mark.parametrize("fault", [Nats.refuse, Nats.hang, Nats.lose_stream])
def test_while_nats_is_away_the_relay_keeps_everything(world, sandbox, relay, fault):
    fault(world.nats)
    reply = world.start(sandbox)
    for _ in range(2):
        answer = world.tick(relay, 90)
        assert (answer["notified"], answer["parked"]) == (0, 0)
    assert answer["waiting"] >= 1
    assert answer["oldest_seconds"] >= 180
    world.nats.mend()
    world.tick(relay, 900)
    assert len(notified(world, reply)) >= 1
    world.verify(relay)


def test_with_a_wrong_login_starts_stand_and_the_relay_has_the_right_one(world, relay):
    wrong = world.sandbox(NATS_URL=f"nats://noetl:wrong@127.0.0.1:{world.nats.proxy.port}")
    reply = world.start(wrong)
    assert reply.status == 200
    assert "NATS refuses the login" in world.log()
    world.tick(relay, 61)
    assert len(notified(world, reply)) == 1
    world.verify(relay)


def test_without_nats_at_all_starts_wait_for_a_relay_that_has_it(world, relay):
    reply = world.start(world.sandbox(NATS_URL=""))
    assert reply.status == 200
    world.tick(relay, 61)
    assert len(notified(world, reply)) == 1
    world.verify(relay)


def test_a_full_stream_takes_the_rest_once_there_is_room(world, relay):
    world.nats.fill_stream()
    sandbox = world.sandbox()
    first, second = world.start(sandbox), world.start(sandbox)
    assert (first.status, second.status) == (200, 200)
    assert "maximum messages exceeded" in world.log()
    assert world.tick(relay, 61)["deferred"] >= 1
    world.nats.mend()
    world.tick(relay, 61)
    assert len(notified(world, second)) == 1
    world.verify(relay)


def test_commands_of_a_stream_that_was_lost_are_notified_again(world, sandbox, relay):
    reply = world.start(sandbox)
    world.start(sandbox)  # and takes the row of the first one along
    (message_id,) = notified(world, reply)
    world.nats.lose_stream()
    world.nats.mend()
    world.tick(relay, 301)
    assert notified(world, reply) == [f"{message_id}:1"]
    world.verify(relay)


def test_what_a_worker_has_claimed_is_not_notified_again(world, sandbox, relay):
    reply = world.start(sandbox)
    world.claim(int(reply.body["execution_id"]))
    world.verify(relay)
    assert len(notified(world, reply)) == 1


def test_what_was_cancelled_while_it_waited_is_not_notified(world, sandbox, relay):
    world.nats.refuse()
    reply = world.start(sandbox)
    world.cancel(int(reply.body["execution_id"]))
    world.verify(relay)
    assert notified(world, reply) == []


def test_a_command_that_nobody_claims_is_notified_a_bounded_number_of_times(world, sandbox, relay):
    reply = world.start(sandbox)
    for _ in range(2):
        world.settle(relay)
    assert len(notified(world, reply)) == 6
    assert relay.invoke({})["parked"] >= 1
    world.verify(relay)


def test_what_was_parked_is_sent_when_somebody_releases_it(world, sandbox, relay):
    world.nats.refuse()
    reply = world.start(sandbox)
    assert world.tick(relay, 86_401)["given_up"] >= 1
    world.nats.mend()
    world.tick(relay, 61)
    assert notified(world, reply) == []
    (parked,) = [
        one
        for one in relay.invoke({"parked": 10})["parked"]
        if one["execution_id"] == reply.body["execution_id"]
    ]
    assert parked["last_error"] == "cannot connect to NATS: connection refused"
    assert relay.invoke({"release": "all"})["released"] >= 1
    assert len(notified(world, reply)) == 1
    world.verify(relay)


def test_ten_thousand_that_are_due_are_sent_in_one_run(world, relay):
    """Rows as a long outage leaves them, of executions that nobody has to look at."""
    world.postgres.owner.execute(
        """
        INSERT INTO noetl_serverless.outbox
            (command_id, execution_id, subject, message_id, body, created_at, due_at)
        SELECT number, number, 'noetl.commands.shared.' || number, number || ':start:1', '{}',
               now() - interval '1 hour', now() - interval '59 minutes'
        FROM generate_series(1, 10000) AS number
        """
    )
    answer = relay.invoke({})
    assert (answer["notified"], answer["waiting"], answer["finished"]) == (10_000, 0, True)
    world.postgres.owner.execute("DELETE FROM noetl_serverless.outbox")
