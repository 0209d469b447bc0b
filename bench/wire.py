"""What a start sends, asks for and computes, counted; the same on every machine."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from bench.handler import Handler
from bench.servers import Servers, payload
from bench.silence import silent
from tests.proxies.nats import NatsProxy
from tests.proxies.postgres import PostgresProxy

CALLS = 32
WARM_UP = 5
LEAK_CALLS = 400
PATH = "bench/steps-3"
ROUND_TRIPS = {b"S", b"Q", b"F"}
"""The messages that PostgreSQL answers with "ready": Sync, a simple query, a function call."""
NATS_COMMANDS = re.compile(rb"(?:^|(?<=\r\n))(HPUB|PUB|SUB|UNSUB|PING|CONNECT)\b")


def wire(servers: Servers) -> dict[str, dict[str, float]]:
    """Return the figures of a warm start with a payload of 100 bytes, and of ten in one batch."""
    return {
        "one start": _figures(servers, lambda one: one.body(PATH, payload(100)))
        | {"blocks_left_behind": _blocks_left(servers)},
        "batch of 10": _figures(servers, lambda one: one.batch(PATH, payload(100), 10)),
    }


def _figures(servers: Servers, prepare: Callable[[Handler], None]) -> dict[str, float]:
    return _sent(servers, prepare) | _computed(servers, prepare)


@contextlib.contextmanager
def _handler(
    servers: Servers, owner: psycopg.Connection[Any], prepare: Callable[[Handler], None]
) -> Iterator[Handler]:
    """Lend a warm handler; at the end wait until PostgreSQL's process for it is gone.

    It tells what it has counted as the last thing, after it has left pg_stat_activity.

    :raises TimeoutError: it is still there after 10 s
    """
    handler = Handler(servers.database_url, servers.nats_url)
    with silent():
        try:
            prepare(handler)
            for _ in range(WARM_UP):
                handler.start()
            yield handler
        finally:
            rows = owner.execute("""
                SELECT pid FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            """).fetchall()
            handler.close()
    end = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for (pid,) in rows):
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)


def _sent(servers: Servers, prepare: Callable[[Handler], None]) -> dict[str, float]:
    with (
        PostgresProxy(servers.database_url) as postgres,
        NatsProxy(servers.nats_url) as nats,
        psycopg.connect(servers.owner_url, autocommit=True) as owner,
        _without_autovacuum(owner),
    ):
        by_way_of_both = replace(servers, database_url=postgres.url, nats_url=nats.url)
        _begin_segment(servers)
        flushes = _flushes(owner)
        with _handler(by_way_of_both, owner, prepare) as handler:
            postgres.take()
            nats.forget()
            transactions = _transactions(owner)
            for _ in range(CALLS):
                handler.start()
            transactions = _transactions(owner) - transactions
            sent, published = postgres.take(), nats.seen
        flushes = _flushes(owner) - flushes
    commands = NATS_COMMANDS.findall(published)
    return {
        "round_trips": sum(kind in ROUND_TRIPS for kind, _ in sent) / CALLS,
        "writing_transactions": transactions / CALLS,
        "disk_flushes": flushes / (WARM_UP + CALLS),
        "publishes": sum(one in {b"HPUB", b"PUB"} for one in commands) / CALLS,
        "other_nats_commands": sum(one not in {b"HPUB", b"PUB"} for one in commands) / CALLS,
        "database_bytes": sum(len(body) + 5 for _, body in sent) / CALLS,
        "nats_bytes": len(published) / CALLS,
    }


def _begin_segment(servers: Servers) -> None:
    """Leave the log room: one of its segments that fills up is flushed too, and counted.

    On a connection of its own, which tells what it has flushed when it ends.
    """
    with psycopg.connect(servers.owner_url, autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")
        # The first commit in a segment flushes the end of the former one.
        connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")


@contextlib.contextmanager
def _without_autovacuum(owner: psycopg.Connection[Any]) -> Iterator[None]:
    """Keep the server's own writing transactions out of the count."""
    owner.execute("ALTER SYSTEM SET autovacuum = off")
    owner.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        owner.execute("ALTER SYSTEM RESET autovacuum")
        owner.execute("SELECT pg_reload_conf()")


def _transactions(owner: psycopg.Connection[Any]) -> int:
    # Only those that write have a number; asking takes none.
    row = owner.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    return int(row[0]) if row else 0


def _flushes(owner: psycopg.Connection[Any]) -> int:
    """Return how often connections have waited for the log to be on the disk, once they ended.

    Asked again until nothing changes for a while: some may have ended just now.

    :raises TimeoutError: somebody else keeps writing
    """
    before = -1
    for _ in range(50):
        row = owner.execute("""
            SELECT coalesce(sum(fsyncs), 0)::integer FROM pg_stat_io
            WHERE object = 'wal' AND backend_type = 'client backend'
        """).fetchone()
        now = int(row[0]) if row else 0
        if now == before:
            return now
        before = now
        time.sleep(0.2)
    raise TimeoutError


def _computed(servers: Servers, prepare: Callable[[Handler], None]) -> dict[str, float]:
    """Return calls of Python and C functions, and the memory that is held meanwhile."""
    with (
        psycopg.connect(servers.owner_url, autocommit=True) as owner,
        _handler(servers, owner, prepare) as handler,
    ):
        return {
            "function_calls": _function_calls(handler),
            "peak_allocated_bytes": _peak_bytes(handler),
        }


def _function_calls(handler: Handler) -> int:
    number = 0

    def count(_: FrameType, event: str, __: Any) -> None:
        nonlocal number
        number += event in {"call", "c_call"}

    gc.disable()
    sys.setprofile(count)
    try:
        handler.start()
    finally:
        sys.setprofile(None)
        gc.enable()
    return number


def _peak_bytes(handler: Handler) -> int:
    """Return what a start holds at its peak beyond what it began with."""
    tracemalloc.start()
    try:
        with _small_receive_buffer():
            handler.start()  # the first one fills caches
            gc.collect()
            tracemalloc.reset_peak()
            begin, _ = tracemalloc.get_traced_memory()
            handler.start()
            return tracemalloc.get_traced_memory()[1] - begin
    finally:
        tracemalloc.stop()


@contextlib.contextmanager
def _small_receive_buffer() -> Iterator[None]:
    """Let asyncio take 4 KiB at a time: its 256 hide whatever else a start holds for a moment."""
    transport = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    before = transport.max_size
    transport.max_size = 4096
    try:
        yield
    finally:
        transport.max_size = before


def _blocks_left(servers: Servers) -> float:
    """Return the blocks of memory that a start leaves behind: a leak, or else about none."""
    with (
        psycopg.connect(servers.owner_url, autocommit=True) as owner,
        _handler(servers, owner, lambda one: one.body(PATH, payload(100))) as handler,
    ):
        for _ in range(LEAK_CALLS):  # asyncio drops cancelled timers by the hundred
            handler.start()
        gc.collect()
        begin = sys.getallocatedblocks()
        for _ in range(LEAK_CALLS):
            handler.start()
        gc.collect()
        return (sys.getallocatedblocks() - begin) / LEAK_CALLS
