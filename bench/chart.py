"""Draws the pictures of ``docs/performance.md`` from the results: ``python -m bench.chart``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.figures import decades
from bench.handler import PHASES
from bench.svg import (
    COLOURS,
    LEFT,
    ROW,
    SIDE_COLOURS,
    TOP,
    Frame,
    bars,
    legend,
    line,
    panel,
    picture,
    text,
)
from bench.turns import SIDES

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 560
PANEL = 150

Results = Any
"""The figures of one part, as JSON has them."""


def phases(cases: Results) -> str:
    """Return bars: each case's median by phase as multiples of its floor, which ends at 1."""
    colours = dict(zip((*PHASES, "rest"), COLOURS, strict=True))
    rows = [
        (
            case["case"],
            {name: case["phases"][name] / case["floor"]["p50"] for name in colours},
            f"{case['ratio']:.2f}",
        )
        for case in cases
    ]
    floor = LEFT + WIDTH / max(sum(parts.values()) for _, parts, _ in rows)
    bottom = TOP + len(rows) * ROW
    mark = [line((floor, TOP - 8), (floor, bottom)), text(floor, bottom + 14, "floor", "middle")]
    drawn = legend(colours) + bars(rows, colours, WIDTH) + mark
    return picture(LEFT + WIDTH + 60, bottom + 26, drawn)


def growth(figures: Results) -> str:
    """Return a panel for each thing that grows: medians over its size, by tenfold steps."""
    points = figures["points"]
    highest = max(one[side] for one in points for side in SIDES) / 1000
    parts = legend(SIDE_COLOURS, 60)
    names = list(dict.fromkeys(one["what"] for one in points))
    for number, what in enumerate(names):
        own = [one for one in points if one["what"] == what]
        lines = {side: [(decades(one["size"]), one[side] / 1000) for one in own] for side in SIDES}
        ticks = {decades(one["size"]): _short(one["size"]) for one in own}
        frame = Frame(f"{what}, ms", 60 + number * (PANEL + 60), 60, PANEL, PANEL)
        parts += panel(frame, lines, ticks, highest)
    return picture(60 + len(names) * (PANEL + 60), PANEL + 95, parts)


def capacity(figures: Results) -> str:
    """Return starts a second over the number of processes."""
    lines = {
        side: [(float(one["processes"]), one[side]["starts_per_second"]) for one in figures]
        for side in SIDES
    }
    ticks = {float(one["processes"]): str(one["processes"]) for one in figures}
    highest = max(y for points in lines.values() for _, y in points)
    frame = Frame("starts a second by processes", 60, 60, WIDTH, 220)
    drawn = panel(frame, lines, ticks, highest)
    return picture(WIDTH + 90, 320, legend(SIDE_COLOURS, 60) + drawn)


def open_loop(figures: Results) -> str:
    """Return bars: median and tail of the latency at each rate, counted from when it was due."""
    rows = [
        (f"{one['rate']:,} a second, {side}", parts, f"{sum(parts.values()):.1f}")
        for one in figures
        for side in SIDES
        for parts in [_median_and_tail(one[side])]
    ]
    colours = {"p50 ms": COLOURS[0], "from there to p99, or the longest of few": COLOURS[2]}
    drawn = legend(colours) + bars(rows, colours, WIDTH)
    return picture(LEFT + WIDTH + 70, TOP + len(rows) * ROW, drawn)


def cold(figures: Results) -> str:
    """Return bars: the init with and without compiled files, beside the imports alone."""
    rows = [
        (f"{name}, {side}", {side: figures[key][side]}, f"{figures[key][side]:.0f} ms")
        for key, name in (("with_pyc", "with .pyc"), ("without_pyc", "without .pyc"))
        for side in SIDES
    ]
    drawn = bars(rows, SIDE_COLOURS, WIDTH)
    return picture(LEFT + WIDTH + 90, TOP + len(rows) * ROW, drawn)


CHARTS: dict[str, Callable[[Results], str]] = {
    "warm": phases,
    "growth": growth,
    "capacity": capacity,
    "open_loop": open_loop,
    "cold": cold,
}

TITLES = {
    "warm": "Median by phase as multiples of the floor",
    "growth": "Medians over the size of what grows",
    "capacity": "Starts a second over the number of processes",
    "open_loop": "Latency at a constant rate, from when each start was due",
    "cold": "Init with and without compiled files",
}


def links(results: dict[str, Any]) -> str:
    """Return Markdown that shows the picture of each part that was measured."""
    shown = (
        f"![{title}](images/{_file(name)})" for name, title in TITLES.items() if name in results
    )
    return "\n\n".join(shown)


def charts(results: dict[str, Any]) -> dict[str, str]:
    """Return a picture by the name of each part that was measured."""
    return {name: draw(results[name]) for name, draw in CHARTS.items() if name in results}


def _median_and_tail(side: dict[str, Any]) -> dict[str, float]:
    tail = side["max"] if side["p99"] is None else side["p99"]
    return {"p50 ms": side["p50"], "from there to p99, or the longest of few": tail - side["p50"]}


def _short(size: int) -> str:
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if size >= unit:
            return f"{size / unit:g}{name}"
    return str(size)


def _file(name: str) -> str:
    return f"performance-{name.replace('_', '-')}.svg"


def main() -> None:
    """Draw."""
    folder = ROOT / "docs" / "images"
    folder.mkdir(exist_ok=True)
    for name, drawn in charts(json.loads((ROOT / "bench" / "results.json").read_text())).items():
        (folder / _file(name)).write_text(drawn)


if __name__ == "__main__":
    main()
