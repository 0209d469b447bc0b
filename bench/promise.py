"""What "never stranded" costs a start: the same start with and without what the relay needs.

Without, the statement writes no outbox row and takes no acknowledged row along, and the index by
which unclaimed commands are found is not there. Both are of the same database and take turns.
"""

from __future__ import annotations

import gc
import statistics
import time
from typing import Any

import psycopg

from bench.handler import Handler
from bench.servers import Servers, payload
from bench.silence import silent
from tests.integration.postgres.wire import wiretapped

INDEX = "start_request_execution_id"
STARTS = 60


def promise(servers: Servers, rounds: int) -> dict[str, Any]:
    """Return round trips and milliseconds of a warm start, with and without, and their ratio."""
    handler = Handler(servers.database_url, servers.nats_url)
    handler.body("bench/steps-3", payload(100))
    with psycopg.connect(servers.owner_url, autocommit=True) as owner, silent():
        ways = _Ways(owner)
        medians: dict[str, list[float]] = {"with": [], "without": []}
        trips: dict[str, float] = {}
        try:
            for turn in range(rounds):
                for way in sorted(medians, reverse=bool(turn % 2)):
                    ways.choose(way)
                    medians[way].append(_median(handler))
            for way in medians:
                ways.choose(way)
                trips[way] = _round_trips(servers)
        finally:
            ways.choose("with")
            handler.close()
    ratios = [one / other for one, other in zip(medians["with"], medians["without"], strict=True)]
    return {
        "rounds": rounds,
        "starts": STARTS,
        "round_trips": trips,
        "milliseconds": {way: statistics.median(values) for way, values in medians.items()},
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
    }


class _Ways:
    """The database, with and without."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self._owner = owner
        function = "SELECT pg_get_functiondef('noetl_serverless.record_start'::regproc)"
        index = f"SELECT indexdef FROM pg_indexes WHERE indexname = '{INDEX}'"  # noqa: S608
        self._function, self._index = self._one(function), self._one(index)

    def choose(self, way: str) -> None:
        statement, index = self._function, f"DROP INDEX IF EXISTS noetl_serverless.{INDEX}"
        if way == "with":
            index = self._index.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS")
        else:
            for begin, end in (
                ("FOREACH v_command_id", "END LOOP;"),
                ("INSERT INTO noetl_serverless.outbox", ";"),
            ):
                statement = _without(statement, begin, end)
        for text in (statement, index, "VACUUM ANALYZE noetl_serverless.start_request"):
            self._owner.execute(text)

    def _one(self, query: str) -> str:
        row = self._owner.execute(query).fetchone()
        return str(row[0]) if row else ""


def _without(text: str, begin: str, end: str) -> str:
    start = text.index(begin)
    return text[:start] + text[text.index(end, start) + len(end) :]


def _median(handler: Handler) -> float:
    times = []
    gc.collect()
    for turn in range(STARTS + 5):
        begin = time.perf_counter()
        handler.start()
        if turn >= 5:  # the first ones plan the statements anew
            times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def _round_trips(servers: Servers) -> float:
    with wiretapped(servers.database_url) as wire:
        handler = Handler(wire.url, servers.nats_url)
        handler.body("bench/steps-3", payload(100))
        try:
            for _ in range(5):
                handler.start()
            wire.take()
            for _ in range(20):
                handler.start()
            return sum(kind == b"S" for kind, _ in wire.take()) / 20
        finally:
            handler.close()
