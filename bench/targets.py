"""What issue and README promise of a start, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.report import table

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that shall be no larger than its limit."""

    name: str
    limit: float
    measured: Callable[[Results], float]


def _case(results: Results, name: str) -> Results:
    return next(case for case in results["warm"] if case["case"] == name)


SMALL = "3 steps, 100 B"
TARGETS = (
    Target("warm p50 to the floor's", 1.4, lambda r: _case(r, SMALL)["ratio"]),
    Target("with 1 ms added", 1.15, lambda r: _case(r, "3 steps, 100 B, 1 ms away")["ratio"]),
    Target("with 10 KB", 1.6, lambda r: _case(r, "3 steps, 10 KB")["ratio"]),
    Target("with 200 KB", 2.0, lambda r: _case(r, "3 steps, 200 KB")["ratio"]),
    Target("CPU of a start, µs", 1200, lambda r: _case(r, SMALL)["ours"]["cpu"]),
    Target("CPU to the floor's", 2.2, lambda r: _case(r, SMALL)["cpu_ratio"]),
    Target("p99 to p50", 2.5, lambda r: _case(r, SMALL)["ours"]["p99_over_p50"]),
    Target("database round trips", 2, lambda r: r["wire"]["one start"]["round_trips"]),
    Target("publishes", 1, lambda r: r["wire"]["one start"]["publishes"]),
    Target("waits for the disk", 1, lambda r: r["wire"]["one start"]["disk_flushes"]),
    Target("writing transactions", 1, lambda r: r["wire"]["one start"]["writing_transactions"]),
    Target("init to its imports alone", 1.25, lambda r: r["cold"]["with_pyc"]["ratio"]),
)


def targets(results: Results) -> str:
    """Return the table; a target whose part was not measured says so."""
    return table("Targets", ("at most", "target", "measured", "met"), map(_row(results), TARGETS))


def _row(results: Results) -> Callable[[Target], tuple[object, ...]]:
    def row(target: Target) -> tuple[object, ...]:
        try:
            measured = target.measured(results)
        except (KeyError, StopIteration):
            return target.name, target.limit, "-", "not measured"
        return target.name, target.limit, measured, "yes" if measured <= target.limit else "**no**"

    return row
