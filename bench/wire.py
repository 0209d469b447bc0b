"""What a start sends, counted on the wire; the same on every machine."""

from __future__ import annotations

import tracemalloc
from typing import Any

import psycopg

from bench.handler import Handler
from bench.servers import Servers, payload
from bench.silence import silent
from tests.integration.jetstream.proxy import Proxy
from tests.integration.postgres.wire import wiretapped

STARTS = 64


def wire(servers: Servers) -> dict[str, float]:
    """Return the figures of one warm start with a payload of 100 bytes, as means of 64."""
    with (
        wiretapped(servers.database_url) as postgres,
        Proxy(servers.nats_url) as nats,
        psycopg.connect(servers.owner_url, autocommit=True) as owner,
        silent(),
    ):
        handler = Handler(postgres.url, nats.url)
        try:
            handler.body("bench/steps-3", payload(100))
            for _ in range(5):
                handler.start()
            postgres.take()
            nats.seen = b""
            before = _transactions(owner)
            for _ in range(STARTS):
                handler.start()
            after = _transactions(owner)
            sent = postgres.take()
            published = nats.seen
            allocated = _allocated(handler)
        finally:
            handler.close()
    return {
        "round_trips": sum(kind == b"S" for kind, _ in sent) / STARTS,
        "writing_transactions": (after - before) / STARTS,
        "publishes": published.count(b"HPUB ") / STARTS,
        "database_bytes": sum(len(body) + 5 for _, body in sent) / STARTS,
        "nats_bytes": len(published) / STARTS,
        "peak_allocated_bytes": allocated,
    }


def _transactions(owner: psycopg.Connection[Any]) -> int:
    # Only those that write have a number; asking takes none.
    row = owner.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    return int(row[0]) if row else 0


def _allocated(handler: Handler) -> int:
    """Return the bytes that one start holds at its peak, beyond what it began with."""
    tracemalloc.start()
    try:
        handler.start()  # the first one fills caches
        tracemalloc.reset_peak()
        begin, _ = tracemalloc.get_traced_memory()
        handler.start()
        return tracemalloc.get_traced_memory()[1] - begin
    finally:
        tracemalloc.stop()
