"""PostgreSQL in all its ways to fail: 503 in time with nothing recorded, or the key tells."""

from __future__ import annotations

import pytest

from tests.faults.postgres_faults import FAULTS
from tests.faults.world import stored
from tests.proxies.proxy import At

KEY = "order-1"


def recorded(world):
    return stored(KEY) in world.executions()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_start_gets_503_in_time_leaves_nothing_and_passes_once_it_is_mended(
    world, sandbox, relay, fault
):
    fault(world.postgres)
    reply = world.start(sandbox, KEY, timeout=4)
    assert reply.status == 503
    assert not recorded(world)
    world.mend()
    assert world.start(sandbox, KEY).status == 200
    world.verify(relay)


def test_a_database_that_falls_silent_while_it_records_gets_503_and_the_key_tells(
    world, sandbox, relay
):
    world.postgres.proxy.trap(b"record_start", At.HOLD_REPLY)
    world.postgres.proxy.is_mute = True
    assert world.start(sandbox, KEY, timeout=4).status == 503
    assert recorded(world)
    world.postgres.mend()
    again = world.start(sandbox, KEY)
    assert again.status == 200
    world.verify(relay)


def test_a_slow_database_is_waited_for(world, sandbox, relay):
    world.postgres.proxy.delay = 0.1
    assert world.start(sandbox, KEY).status == 200
    world.verify(relay)


def test_a_database_that_is_slower_than_there_is_time_gets_503(world, sandbox, relay):
    world.postgres.proxy.delay = 1.0
    assert world.start(sandbox, KEY, timeout=2.5).status == 503
    world.verify(relay)


def test_server_processes_that_were_ended_are_replaced(world, sandbox, relay):
    world.postgres.terminate_backends()
    assert world.start(sandbox, KEY).status == 200
    world.verify(relay)


def test_a_server_process_that_is_ended_while_it_records_is_replaced(world, sandbox, relay):
    with world.postgres.owner.transaction():
        world.postgres.owner.execute("LOCK TABLE noetl.command IN ACCESS EXCLUSIVE MODE")
        reply = world.soon(world.start, sandbox, KEY)
        world.postgres.await_lock()
        world.postgres.terminate_backends()
    assert reply.result(20).status == 200
    world.verify(relay)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"], ids=["serialization", "deadlock"])
def test_what_certainly_left_nothing_is_tried_once_more(world, sandbox, relay, sqlstate):
    with world.postgres.failing(sqlstate):
        assert world.start(sandbox, KEY).status == 200
    world.verify(relay)


def test_what_fails_again_and_again_gets_503_and_leaves_nothing(world, sandbox, relay):
    for sqlstate in ("40001", "40P01", "53300", "57014", "25006", "53100"):
        with world.postgres.failing(sqlstate, times=10):
            assert world.start(sandbox, sqlstate).status == 503
        assert stored(sqlstate) not in world.executions()
        assert world.start(sandbox, sqlstate).status == 200
    world.verify(relay)


def test_a_connection_that_ends_after_some_bytes_is_no_failure(world, relay):
    for size in (1, 30, 200, 450, 1500):
        world.postgres.proxy.bytes_until_cut = size
        reply = world.start(world.sandbox(), str(size))
        # While it connects there is no second try; afterwards there is.
        assert reply.status in {200, 503}
        assert world.start(world.sandbox(), str(size)).status == 200
    world.verify(relay)


def test_a_relay_without_a_database_fails_loudly_and_the_next_one_goes_on(world, sandbox, relay):
    world.nats.refuse()
    world.start(sandbox)
    world.nats.mend()
    world.postgres.refuse()
    assert relay.invoke({})["errorType"] == "StoreUnavailable"
    world.postgres.mend()
    assert world.tick(relay, 61)["notified"] >= 1
    world.verify(relay)


def test_a_relay_that_loses_the_reply_to_its_lease_finds_it_again(world, sandbox, relay):
    world.nats.refuse()
    world.start(sandbox)
    world.nats.mend()
    world.pass_time(61)
    relay.invoke({"parked": 1})  # so that it is connected
    world.postgres.proxy.trap(b"lease_owner", At.LOSE_REPLY)
    assert relay.invoke({})["notified"] >= 1
    world.verify(relay)
