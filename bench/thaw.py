"""The first request after a pause: what it takes longer than the ones before, by what happened."""

from __future__ import annotations

import contextlib
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.cutting import cuttable
from bench.handler import Handler
from bench.servers import filled, open_to_all, payload
from bench.silence import silent
from local.nats import NatsServer
from local.ports import choose_port
from local.postgres import PostgresServer

PAUSES = (1.0, 3600.0)
"""Seconds; between these, so that every length of a pause is as good as another."""
KINDS = {
    "both alive": None,
    "both closed by the peer": 250,
    "both dropped in silence": 1000,
    "both servers restarted": 250,
    "no connection yet": None,
}
"""What happened meanwhile, and how many milliseconds it may add."""
WARM = 5


def thaw(rounds: int) -> list[dict[str, Any]]:
    """Return for each kind what the first request took longer, in milliseconds.

    Restarts take their time, so there are fewer of those.
    """
    with (
        tempfile.TemporaryDirectory() as name,
        _server(PostgresServer, open_to_all(Path(name)) / "postgres") as postgres,
        _server(NatsServer, Path(name) / "nats") as nats,
        silent(),
    ):
        servers = filled(postgres, nats)
        with (
            cuttable(servers.database_url) as (database_url, cut_database),
            cuttable(servers.nats_url) as (nats_url, cut_nats),
        ):
            handler = Handler(database_url, nats_url)

            def cut(word: str) -> Callable[[], None]:
                return lambda: (cut_database(word), cut_nats(word))[0]

            def restart() -> None:
                for server in (postgres, nats):
                    server.stop()
                    server.start()

            happenings = (lambda: None, cut("close"), cut("silence"), restart, handler.close)
            try:
                return [
                    _figures(handler, kind, happen, rounds // 4 if happen is restart else rounds)
                    for kind, happen in zip(KINDS, happenings, strict=True)
                ]
            finally:
                handler.close()


def _server(kind: Any, folder: Path) -> Any:
    return kind(folder, port=choose_port(("127.0.0.1",), None, folder.name))


def _figures(
    handler: Handler, kind: str, happen: Callable[[], None], rounds: int
) -> dict[str, Any]:
    handler.body("bench/steps-3", payload(100))
    added, deferred = [], 0
    for _ in range(rounds):
        warm = statistics.median([_milliseconds(handler) for _ in range(WARM)])
        happen()
        gc.collect()
        with _paused(random.uniform(*PAUSES)):  # noqa: S311
            added.append(_milliseconds(handler) - warm)
        deferred += not _has_notified(handler)
    return {
        "kind": kind,
        "rounds": rounds,
        "p50": statistics.median(added),
        "max": max(added),
        "bound": KINDS[kind],
        "deferred": deferred,
    }


def _milliseconds(handler: Handler) -> float:
    begin = time.perf_counter()
    handler.start()
    return (time.perf_counter() - begin) * 1000


def _has_notified(handler: Handler) -> bool:
    # The store is told of what arrived; the next start takes it along.
    return bool(handler.app.starter.store._acknowledged)


@contextlib.contextmanager
def _paused(seconds: float) -> Iterator[None]:
    """Let the wall clock say that so much time has passed, as in a sandbox that was frozen."""
    inner = time.time
    time.time = lambda: inner() + seconds
    try:
        yield
    finally:
        time.time = inner
