"""Warm starts beside the floor: one of each in turn, so that a noisy machine slows both."""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from bench.delay import delayed
from bench.floor import Floor
from bench.handler import PHASES, Handler
from bench.servers import Servers, payload
from control_plane.json_text import Json

RUNS = 5
CASES = (
    ("3 steps, 100 B", 3, 100, 0.0, 200),
    ("1,000 steps, 100 B", 1000, 100, 0.0, 200),
    ("3 steps, 10 KB", 3, 10_000, 0.0, 120),
    ("3 steps, 200 KB", 3, 200_000, 0.0, 30),
    ("3 steps, 100 B, 1 ms away", 3, 100, 0.001, 100),
)
"""Name, steps, payload in bytes, seconds added to a round trip, starts per run."""


def warm(servers: Servers, runs: int = RUNS, share: float = 1.0) -> list[dict[str, Any]]:
    """Return the figures of each case; times in microseconds.

    :param share: of the starts of each run, for a shorter look
    """
    figures = []
    for name, steps, size, delay, number in CASES:
        with contextlib.ExitStack() as stack:
            urls = servers.database_url, servers.nats_url
            if delay:
                urls = tuple(stack.enter_context(delayed(url, delay)) for url in urls)  # type: ignore[assignment]
            handler, floor = Handler(*urls), Floor(*urls)
            stack.callback(handler.close)
            stack.callback(floor.close)
            count = max(10, int(number * share))
            samples = [_run(handler, floor, steps, size, count) for _ in range(runs)]
        figures.append({"case": name, "runs": runs, "starts": count, **_summary(samples)})
        with psycopg.connect(servers.owner_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
    return figures


def _run(handler: Handler, floor: Floor, steps: int, size: int, count: int) -> dict[str, Any]:
    path, given = f"bench/steps-{steps}", payload(size)
    text = Json(given).text
    handler.body(path, given)
    phases: dict[str, list[int]] = {phase: [] for phase in PHASES}
    times: dict[str, list[int]] = {"ours": [], "floor": []}
    cpu = {"ours": 0, "floor": 0}
    gc.collect()
    with silent():
        for turn in range(count + 5):
            begin, cpu_begin = time.perf_counter_ns(), time.process_time_ns()
            handler.start()
            middle, cpu_middle = time.perf_counter_ns(), time.process_time_ns()
            floor.start(path, text)
            end, cpu_end = time.perf_counter_ns(), time.process_time_ns()
            if turn < 5:  # the first ones open connections and plan statements
                continue
            times["ours"].append(middle - begin)
            times["floor"].append(end - middle)
            cpu["ours"] += cpu_middle - cpu_begin
            cpu["floor"] += cpu_end - cpu_middle
            for phase in PHASES:
                phases[phase].append(handler.spent[phase])
    return {"times": times, "cpu": {k: v / count for k, v in cpu.items()}, "phases": phases}


def _summary(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for side in ("ours", "floor"):
        each = [one["times"][side] for one in samples]
        summary[side] = {
            f"p{part}": statistics.median(percentile(one, part) for one in each) / 1000
            for part in (50, 95, 99)
        } | {"cpu": statistics.median(one["cpu"][side] for one in samples) / 1000}
    summary["phases"] = {
        phase: statistics.median(statistics.median(one["phases"][phase]) for one in samples) / 1000
        for phase in PHASES
    }
    summary["phases"]["rest"] = summary["ours"]["p50"] - sum(summary["phases"].values())
    ratios = [percentile(s["times"]["ours"], 50) / percentile(s["times"]["floor"], 50)
              for s in samples]  # fmt: skip
    summary["ratio"] = statistics.median(ratios)
    summary["ratio_range"] = [min(ratios), max(ratios)]
    summary["cpu_ratio"] = statistics.median(s["cpu"]["ours"] / s["cpu"]["floor"] for s in samples)
    return summary


def percentile(values: Sequence[int], part: int) -> int:
    """Return the value below which so many of a hundred lie."""
    return sorted(values)[min(len(values) - 1, len(values) * part // 100)]


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Send what the handler logs, through the same system call, to nowhere."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        from control_plane.observability import logger  # noqa: PLC0415

        before = [getattr(handler, "stream", None) for handler in logger.handlers]
        for one in logger.handlers:
            one.stream = nowhere  # type: ignore[attr-defined]
        try:
            yield
        finally:
            for one, stream in zip(logger.handlers, before, strict=True):
                one.stream = stream or sys.stdout  # type: ignore[attr-defined]
