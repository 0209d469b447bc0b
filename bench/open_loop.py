"""Latency under load that does not wait for the answers: a start every so often, whatever happens.

Each time is taken from when the start was due, not from when a process was free to carry it out:
a start that waits behind a slow one is slow itself ("coordinated omission" leaves that out).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from bench.capacity import starter
from bench.figures import percentile, spread
from bench.servers import Servers
from bench.silence import silent
from bench.turns import SIDES

RUNS = 3
LEAD = 0.1
"""Seconds between the order and the first start, in which every process learns of it."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many starts a second for so long, by so many processes, each as a sandbox would be."""

    rate: int
    seconds: float
    processes: int

    @property
    def starts(self) -> int:
        """How many starts that makes."""
        return max(2, round(self.rate * self.seconds))


LOADS = (Load(1, 8, 1), Load(100, 4, 2), Load(300, 4, 4))

Times = list[float]


def open_loop(servers: Servers, runs: int = RUNS, share: float = 1.0) -> list[dict[str, Any]]:
    """Return latencies in milliseconds at each rate, of ours and of the floor, run in turn.

    :param share: of the seconds of each load
    """
    loads = [Load(load.rate, load.seconds * share, load.processes) for load in LOADS]
    found: dict[Load, dict[str, list[Times]]] = {
        load: {side: [] for side in SIDES} for load in loads
    }
    with _workers(servers, max(load.processes for load in loads)) as workers:
        for _ in range(runs):
            for load in loads:
                for side in SIDES:
                    found[load][side].append(workers.carry_out(load, side))
    return [
        {"rate": load.rate, "processes": load.processes, "seconds": load.seconds, "runs": runs}
        | {side: summary(each) for side, each in sides.items()}
        | {"floor_moved": spread([percentile(times, 50) for times in sides["floor"]])}
        for load, sides in found.items()
    ]


def summary(runs: list[Times]) -> dict[str, float | None]:
    """Return the median p50 of the runs, and the tails of all their starts together, in ms.

    Of fewer than a hundred starts there is no p99.
    """
    together = [one for times in runs for one in times]
    return {
        "starts": len(together),
        "p50": statistics.median(percentile(times, 50) for times in runs) * 1000,
        "p95": percentile(together, 95) * 1000,
        "p99": percentile(together, 99) * 1000 if len(together) >= 100 else None,
        "max": max(together) * 1000,
    }


@dataclass(frozen=True, slots=True)
class _Workers:
    ends: list[Connection]
    next_start: Synchronized[int]

    def carry_out(self, load: Load, side: str) -> Times:
        self.next_start.value = 0
        begin = time.monotonic() + LEAD  # one clock for all processes of a machine
        for end in self.ends[: load.processes]:
            end.send((load, side, begin))
        times = []
        for end in self.ends[: load.processes]:
            if not end.poll(load.seconds * 10 + 60):
                raise TimeoutError
            times += end.recv()
        return times


@contextlib.contextmanager
def _workers(servers: Servers, number: int) -> Iterator[_Workers]:
    spawn = multiprocessing.get_context("spawn")
    next_start = spawn.Value("q", 0)
    pipes = [spawn.Pipe() for _ in range(number)]
    processes = [spawn.Process(target=_work, args=(servers, pipe[1], next_start)) for pipe in pipes]
    for process in processes:
        process.start()
    for _, theirs in pipes:
        theirs.close()  # so that the end of a process is the end of its pipe
    try:
        for ours, _ in pipes:
            if not ours.poll(120):
                raise TimeoutError
            ours.recv()
        yield _Workers([ours for ours, _ in pipes], next_start)
        for ours, _ in pipes:
            ours.send(None)
    finally:
        for process in processes:
            process.join(10)
            process.kill()


def _work(servers: Servers, orders: Connection, next_start: Synchronized[int]) -> None:
    sides = {side: starter(servers, side) for side in SIDES}
    with silent():
        for start, _ in sides.values():
            for _ in range(10):
                start()
        orders.send("ready")
        while order := orders.recv():
            load, side, begin = order
            orders.send(_carry_out(load, sides[side][0], begin, next_start))
    for _, close in sides.values():
        close()


def _carry_out(load: Load, start: Any, begin: float, next_start: Synchronized[int]) -> Times:
    times: Times = []
    while True:
        with next_start.get_lock():
            number, next_start.value = next_start.value, next_start.value + 1
        if number >= load.starts:
            return times
        due = begin + number / load.rate
        time.sleep(max(0.0, due - time.monotonic()))
        start()
        times.append(time.monotonic() - due)
