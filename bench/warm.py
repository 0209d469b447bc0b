"""Warm starts beside the floor: every run goes through all cases, each with turns of both."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.delay import delayed
from bench.figures import outliers, percentile, spread
from bench.floor import Floor
from bench.handler import PHASES, Handler
from bench.servers import Servers, payload
from bench.turns import SIDES, Turns, take_turns
from control_plane.json_text import Json

RUNS = 5


@dataclass(frozen=True, slots=True)
class Case:
    """What is started, and how often in each run.

    :ivar bytes: of the payload
    :ivar delay: seconds added to each round trip
    """

    name: str
    steps: int
    bytes: int
    starts: int
    delay: float = 0.0


CASES = (
    Case("3 steps, 100 B", 3, 100, 200),
    Case("1,000 steps, 100 B", 1000, 100, 200),
    Case("3 steps, 10 KB", 3, 10_000, 120),
    Case("3 steps, 200 KB", 3, 200_000, 30),
    Case("3 steps, 100 B, 1 ms away", 3, 100, 100, 0.001),
)

Sample = tuple[Turns, dict[str, float]]


def warm(servers: Servers, runs: int = RUNS, share: float = 1.0) -> list[dict[str, Any]]:
    """Return the figures of each case; times in microseconds.

    :param share: of the starts of each run, for a shorter look
    """
    samples: dict[Case, list[Sample]] = {case: [] for case in CASES}
    with contextlib.ExitStack() as stack:
        owner = stack.enter_context(psycopg.connect(servers.owner_url, autocommit=True))
        sides = {}
        for delay in {case.delay for case in CASES}:
            urls = [servers.database_url, servers.nats_url]
            if delay:
                urls = [stack.enter_context(delayed(url, delay)) for url in urls]
            sides[delay] = handler, floor = Handler(*urls), Floor(*urls)
            stack.callback(handler.close)
            stack.callback(floor.close)
        for _ in range(runs):
            for case in CASES:
                owner.execute("CHECKPOINT")  # or one falls into somebody's turn
                handler, floor = sides[case.delay]
                samples[case].append(_run(handler, floor, case, max(10, int(case.starts * share))))
    return [
        {"case": case.name, "runs": runs, "starts": len(each[0][0].times["ours"]), **summary(each)}
        for case, each in samples.items()
    ]


def _run(handler: Handler, floor: Floor, case: Case, number: int) -> Sample:
    path, given = f"bench/steps-{case.steps}", payload(case.bytes)
    text = Json(given).text
    handler.body(path, given)
    phases: dict[str, list[int]] = {phase: [] for phase in PHASES}

    def keep_phases() -> None:
        for phase in PHASES:
            phases[phase].append(handler.spent[phase])

    turns = take_turns(
        handler.start, lambda: floor.start(path, text), number, after_ours=keep_phases
    )
    return turns, {phase: statistics.median(spent) for phase, spent in phases.items()}


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return medians of the runs; the tails are those of all runs' starts together."""
    figures: dict[str, Any] = {}
    each = [turns for turns, _ in samples]
    for side in SIDES:
        together = [time for turns in each for time in turns.times[side]]
        figures[side] = {
            "p50": statistics.median(percentile(turns.times[side], 50) for turns in each) / 1000,
            "p95": percentile(together, 95) / 1000,
            "p99": percentile(together, 99) / 1000,
            "max": max(together) / 1000,
            "outliers": outliers(together),
            "cpu": statistics.median(_each(turns, turns.cpu[side]) for turns in each),
            "garbage": statistics.median(_each(turns, turns.garbage[side]) for turns in each),
        }
        figures[side]["p99_over_p50"] = figures[side]["p99"] / figures[side]["p50"]
    figures["phases"] = {
        phase: statistics.median(phases[phase] for _, phases in samples) / 1000 for phase in PHASES
    }
    figures["phases"]["rest"] = figures["ours"]["p50"] - sum(figures["phases"].values())
    ratios = [percentile(t.times["ours"], 50) / percentile(t.times["floor"], 50) for t in each]
    figures["ratio"] = statistics.median(ratios)
    figures["ratio_range"] = [min(ratios), max(ratios)]
    figures["cpu_ratio"] = statistics.median(t.cpu["ours"] / t.cpu["floor"] for t in each)
    figures["floor_moved"] = spread([percentile(t.times["floor"], 50) for t in each])
    return figures


def _each(turns: Turns, nanoseconds: int) -> float:
    """Return microseconds per start."""
    return nanoseconds / len(turns.times["ours"]) / 1000
