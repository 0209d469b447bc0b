"""Sandboxes that were frozen: the first request after any pause succeeds, and soon.

The time of these requests is too short for anybody who waits in vain, so they need no clock.
`make bench-recovery` measures how long they take.
"""

from __future__ import annotations

import os
import signal
from contextlib import closing

import pytest

from control_plane.postgres.migrate import migrate
from local.nats import NatsServer
from local.ports import choose_port
from local.postgres import PostgresServer
from tests.faults.world import World
from tests.fixtures_nats import Broker
from tests.fixtures_postgres import APP_PASSWORD, APP_ROLE, administer
from tests.proxies.proxy import At

# Of which the last second is kept for the answer.
SECONDS = 2.6


def nothing(world):
    pass


def closed_by_the_peers(world):
    world.postgres.proxy.close_connections()
    world.nats.proxy.close_connections()


def dropped_in_silence(world):
    world.postgres.proxy.lose_packets()
    world.nats.proxy.lose_packets()


def servers_were_away_meanwhile(world):
    world.postgres.terminate_backends()
    for server in (world.postgres, world.nats):
        server.refuse()
    world.mend()


FAULTS = [nothing, closed_by_the_peers, dropped_in_silence, servers_were_away_meanwhile]


@pytest.mark.parametrize("pause", [1, 300])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_request_after_a_pause_succeeds_and_notifies(world, sandbox, relay, fault, pause):
    with sandbox.frozen(pause):
        fault(world)
    reply = world.start(sandbox, timeout=SECONDS)
    assert reply.status == 200
    assert any(one.startswith(reply.body["execution_id"]) for one in world.nats.message_ids())
    world.verify(relay)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_relay_after_a_pause_goes_on(world, sandbox, relay, fault):
    relay.invoke({})
    world.nats.refuse()
    world.start(sandbox)
    world.nats.mend()
    with relay.frozen(60):
        fault(world)
    assert world.tick(relay, 61)["notified"] >= 1
    world.verify(relay)


def test_a_sandbox_frozen_in_the_middle_of_an_answer_goes_on(world, sandbox, relay):
    trap = world.postgres.proxy.trap(b"record_start", At.LOSE_REPLY)
    reply = world.soon(world.start, sandbox)
    trap.wait()
    with sandbox.frozen(300):
        world.nats.proxy.close_connections()
    assert reply.result(20).status == 200
    world.verify(relay)


def test_a_pause_does_not_cost_a_living_connection(world, sandbox, relay):
    before = world.postgres.proxy.connections, world.nats.proxy.connections
    with sandbox.frozen(3600):
        pass
    assert world.start(sandbox).status == 200
    assert (world.postgres.proxy.connections, world.nats.proxy.connections) == before
    world.verify(relay)


def test_servers_that_were_killed_and_came_back_are_reached_again(zygote, tmp_path, tally):
    ports = [choose_port(("127.0.0.1",), None, "a server") for _ in range(2)]
    with (
        PostgresServer(tmp_path / "postgres", port=ports[0]) as postgres,
        NatsServer(tmp_path / "nats", port=ports[1]) as nats,
    ):
        migrate(postgres.url, APP_ROLE)
        administer(postgres.url, f"ALTER ROLE {APP_ROLE} PASSWORD '{APP_PASSWORD}'")
        with closing(World(zygote, postgres.url, Broker(nats), tmp_path, tally)) as world:
            sandbox, relay = world.sandbox(), world.sandbox("RelayFunction")
            assert world.start(sandbox).status == 200
            with sandbox.frozen(5), relay.frozen(5):
                for server in (postgres, nats):
                    os.kill(server.pid, signal.SIGKILL)
                    server.stop()
                    server.start()
            world.postgres.reconnect()
            assert world.start(sandbox, timeout=SECONDS).status == 200
            world.verify(relay)
