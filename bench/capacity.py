"""Starts a second, CPU and memory of 1 to 8 processes at once, each as a sandbox would be."""

from __future__ import annotations

import multiprocessing
import re
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from bench.floor import Floor
from bench.handler import Handler
from bench.servers import Servers, payload
from bench.warm import silent
from control_plane.json_text import Json

PROCESSES = (1, 2, 4, 8)
SECONDS = 2.0


def capacity(servers: Servers, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Return for each number of processes the figures of ours and of the floor."""
    return [
        {"processes": number}
        | {side: _together(servers, side, number, seconds) for side in ("ours", "floor")}
        for number in PROCESSES
    ]


def _together(servers: Servers, side: str, number: int, seconds: float) -> dict[str, float]:
    # Not forked: a copy of this process would bring its memory along.
    spawn = multiprocessing.get_context("spawn")
    barrier, queue = spawn.Barrier(number), spawn.Queue()
    arguments = (servers, side, seconds, barrier, queue)
    workers = [spawn.Process(target=_work, args=arguments) for _ in range(number)]
    for worker in workers:
        worker.start()
    results = [queue.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    starts = sum(done for done, _, _ in results)
    return {
        "starts_per_second": starts / seconds,
        "cpu_us": sum(cpu for _, cpu, _ in results) / starts * 1e6,
        "peak_rss_mb": max(rss for _, _, rss in results),
    }


def _work(servers: Servers, side: str, seconds: float, barrier: Barrier, queue: Any) -> None:
    given = payload(100)
    what: Handler | Floor
    if side == "ours":
        what = Handler(servers.database_url, servers.nats_url)
        what.body("bench/steps-3", given)
        start = what.start
    else:
        what = floor = Floor(servers.database_url, servers.nats_url)
        text = Json(given).text

        def start() -> None:
            floor.start("bench/steps-3", text)

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
    what.close()
    queue.put((done, cpu, _peak_rss_mb()))


def _peak_rss_mb() -> float:
    # Not getrusage, which counts what the process was before it became another program.
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(match[1]) / 1024 if match else float("nan")
