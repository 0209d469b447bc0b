"""Starts a second and CPU of 1 to 8 processes at once, each as a sandbox would be."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any

from bench.figures import spread
from bench.floor import Floor
from bench.handler import Handler
from bench.servers import Servers, payload
from bench.silence import silent
from bench.turns import SIDES
from control_plane.json_text import Json

PROCESSES = (1, 2, 4, 8)
SECONDS = 2.0
RUNS = 3

Result = dict[str, float]


def capacity(servers: Servers, seconds: float = SECONDS, runs: int = RUNS) -> list[dict[str, Any]]:
    """Return for each number of processes medians of ours and of the floor, run in turn."""
    found: dict[int, dict[str, list[Result]]] = {
        number: {side: [] for side in SIDES} for number in PROCESSES
    }
    for _ in range(runs):
        for number in PROCESSES:
            for side in SIDES:
                found[number][side].append(together(servers, side, number, seconds))
    return [
        {"processes": number, "runs": runs}
        | {side: _median(results) for side, results in sides.items()}
        | {"floor_moved": spread([one["starts_per_second"] for one in sides["floor"]])}
        for number, sides in found.items()
    ]


def _median(results: list[Result]) -> Result:
    return {name: statistics.median(one[name] for one in results) for name in results[0]}


def together(servers: Servers, side: str, number: int, seconds: float) -> Result:
    """Return what so many processes do on one side; they start together."""
    # Not forked: a copy of this process would share its connections.
    spawn = multiprocessing.get_context("spawn")
    barrier, queue = spawn.Barrier(number), spawn.Queue()
    arguments = (servers, side, seconds, barrier, queue)
    workers = [spawn.Process(target=_work, args=arguments) for _ in range(number)]
    for worker in workers:
        worker.start()
    results = [queue.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    starts = sum(done for done, _ in results)
    return {
        "starts_per_second": starts / seconds,
        "cpu_us": sum(cpu for _, cpu in results) / starts * 1e6,
    }


def _work(servers: Servers, side: str, seconds: float, barrier: Barrier, queue: Any) -> None:
    start, close = starter(servers, side)
    with silent():
        for _ in range(10):
            start()
        barrier.wait(60)
        cpu, done = time.process_time(), 0
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            start()
            done += 1
        cpu = time.process_time() - cpu
    close()
    queue.put((done, cpu))


def starter(servers: Servers, side: str) -> tuple[Callable[[], object], Callable[[], None]]:
    """Return what starts ``bench/steps-3`` with 100 bytes on that side, and what closes it."""
    given = payload(100)
    if side == "ours":
        handler = Handler(servers.database_url, servers.nats_url)
        handler.body("bench/steps-3", given)
        return handler.start, handler.close
    floor = Floor(servers.database_url, servers.nats_url)
    text = Json(given).text
    return lambda: floor.start("bench/steps-3", text), floor.close
