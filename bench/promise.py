"""What "never stranded" costs a start: the same start with and without what the relay needs.

Without, in a copy of the database, the statement writes no outbox row and takes no acknowledged
row along, and the index by which unclaimed commands are found is not there. The two take turns,
start by start, so that a noisy machine slows both.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.handler import Handler
from bench.servers import Servers, payload
from bench.silence import silent
from tests.proxies.postgres import PostgresProxy

WAYS = ("with", "without")
STARTS = 100
INDEX = "noetl_serverless.start_request_execution_id"
NEEDED = (("FOREACH v_command_id", "END LOOP;"), ("INSERT INTO noetl_serverless.outbox", ";"))
"""Where the statements of `record_start` begin and end that are there for the relay."""


def promise(servers: Servers, rounds: int) -> dict[str, Any]:
    """Return round trips and milliseconds of a warm start, with and without, and their ratio."""
    urls = {"with": servers.database_url, "without": _copy_without(servers)}
    with ExitStack() as stack:
        stack.enter_context(silent())
        handlers = {way: _handler(url, servers.nats_url, stack) for way, url in urls.items()}
        samples = [_together(handlers) for _ in range(rounds)]
        trips = {way: _round_trips(url, servers.nats_url) for way, url in urls.items()}
    ratios = [sample["with"] / sample["without"] for sample in samples]
    return {
        "rounds": rounds,
        "starts": STARTS,
        "round_trips": trips,
        "milliseconds": {way: statistics.median(one[way] for one in samples) for way in WAYS},
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
    }


def _copy_without(servers: Servers) -> str:
    with psycopg.connect(servers.owner_url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE without_relay TEMPLATE noetl")
    with psycopg.connect(_in(servers.owner_url, "without_relay"), autocommit=True) as owner:
        function = "SELECT pg_get_functiondef('noetl_serverless.record_start'::regproc)"
        ((text,),) = owner.execute(function).fetchall()
        for begin, end in NEEDED:
            start = text.index(begin)
            text = text[:start] + text[text.index(end, start) + len(end) :]
        owner.execute(text)
        owner.execute(f"DROP INDEX {INDEX}")
    return _in(servers.database_url, "without_relay")


def _in(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _handler(database_url: str, nats_url: str, stack: ExitStack) -> Handler:
    handler = Handler(database_url, nats_url)
    stack.callback(handler.close)
    handler.body("bench/steps-3", payload(100))
    for _ in range(5):  # the first ones connect and plan the statements
        handler.start()
    return handler


def _together(handlers: dict[str, Handler]) -> dict[str, float]:
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    gc.collect()
    for turn in range(STARTS):
        for way in WAYS if turn % 2 else reversed(WAYS):
            times[way].append(_milliseconds(handlers[way].start))
    return {way: statistics.median(values) for way, values in times.items()}


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def _round_trips(database_url: str, nats_url: str) -> float:
    with PostgresProxy(database_url) as wire, ExitStack() as stack:
        handler = _handler(wire.url, nats_url, stack)
        wire.take()
        for _ in range(20):
            handler.start()
        return sum(kind == b"S" for kind, _ in wire.take()) / 20
