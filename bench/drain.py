"""Ten thousand notifications that are due, sent by one relay and by two at once."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from multiprocessing.synchronize import Barrier
from typing import Any

import nats
import nats.js.errors
import psycopg

from bench.handler import Context, Handler, load_function
from bench.servers import Servers, payload
from bench.silence import silent

RELAYS = (1, 2)
AT_ONCE = 250


class _RelayContext(Context):
    """The relay has longer than others: see its ``Timeout`` in template.yaml."""

    def get_remaining_time_in_millis(self) -> int:
        """Return as much as an invocation has at its begin."""
        return 55_000


def drain(servers: Servers, rows: int) -> list[dict[str, Any]]:
    """Return the seconds that it takes, by the number of relays."""
    return [_drained(servers, number, rows) for number in RELAYS]


def _drained(servers: Servers, number: int, rows: int) -> dict[str, Any]:
    strand(servers, rows)
    before = _messages(servers.nats_url)
    spawn = multiprocessing.get_context("spawn")
    barrier, queue = spawn.Barrier(number), spawn.Queue()
    relays = [spawn.Process(target=_relay, args=(servers, barrier, queue)) for _ in range(number)]
    for relay in relays:
        relay.start()
    answers = [queue.get(timeout=120) for _ in relays]
    for relay in relays:
        relay.join()
    return {
        "relays": number,
        "rows": rows,
        "seconds": max(end for _, end, _ in answers) - min(begin for begin, _, _ in answers),
        "notified": [answer["notified"] for _, _, answer in answers],
        "messages": _messages(servers.nats_url) - before,
        "left": _due(servers),
    }


def strand(servers: Servers, rows: int) -> None:
    """Start so many executions while NATS refuses connections, and let a minute pass."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with psycopg.connect(servers.owner_url, autocommit=True) as owner:
        owner.execute("DELETE FROM noetl_serverless.outbox")  # of measurements before
    with silent():
        handler = Handler(servers.database_url, f"nats://127.0.0.1:{port}")
        handler.batch("bench/steps-3", payload(100), AT_ONCE)
        for _ in range(rows // AT_ONCE):
            handler.start()
        handler.close()
    with psycopg.connect(servers.owner_url, autocommit=True) as owner:
        owner.execute("UPDATE noetl_serverless.outbox SET due_at = now()")
        owner.execute("VACUUM ANALYZE noetl_serverless.outbox")


def _relay(servers: Servers, barrier: Barrier, queue: Any) -> None:
    relay = load_function("relay", servers.database_url, servers.nats_url)
    with silent():
        barrier.wait(60)
        begin = time.time()
        answer = relay.lambda_handler({}, _RelayContext())
        queue.put((begin, time.time(), answer))
        relay.relay.notifier.close()


def _due(servers: Servers) -> int:
    with psycopg.connect(servers.owner_url) as owner:
        row = owner.execute(
            "SELECT count(*) FROM noetl_serverless.outbox WHERE notified_at IS NULL"
        ).fetchone()
        return int(row[0]) if row else 0


def _messages(url: str) -> int:
    async def ask() -> int:
        client = await nats.connect(url)
        try:
            return (await client.jetstream().stream_info("noetl_commands")).state.messages
        except nats.js.errors.NotFoundError:
            return 0
        finally:
            await client.close()

    return asyncio.run(ask())
