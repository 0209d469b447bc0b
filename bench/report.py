"""The figures as tables that a person can read: Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.handler import PHASES

Results = dict[str, Any]


def report(results: Results) -> str:
    """Return all tables."""
    parts: dict[str, Callable[[Any], str]] = {
        "warm": _warm,
        "wire": _wire,
        "capacity": _capacity,
        "growth": _growth,
        "cold": _cold,
    }
    tables = [_phases(results["warm"])] + [make(results[name]) for name, make in parts.items()]
    return "\n\n".join(tables)


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [
        f"### {title}",
        "",
        "| " + " | ".join(head) + " |",
        "| --- |" + " ---: |" * (len(head) - 1),
    ]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _warm(cases: list[Results]) -> str:
    head = ("case", "p50 µs", "p95", "p99", "floor p50", "p95", "p99",
            "ratio", "least", "most", "CPU µs", "floor", "ratio")  # fmt: skip
    rows = []
    for case in cases:
        ours, floor = case["ours"], case["floor"]
        rows.append((
            case["case"], *(ours[p] for p in ("p50", "p95", "p99")),
            *(floor[p] for p in ("p50", "p95", "p99")), case["ratio"], *case["ratio_range"],
            ours["cpu"], floor["cpu"], case["cpu_ratio"],
        ))  # fmt: skip
    return _table("Warm starts beside the floor", head, rows)


def _phases(cases: list[Results]) -> str:
    names = (*PHASES, "rest")
    rows = ((case["case"], *(case["phases"][name] for name in names)) for case in cases)
    return _table("Where the time goes, median µs", ("case", *names), rows)


def _wire(figures: Results) -> str:
    rows = ((name.replace("_", " "), value) for name, value in figures.items())
    return _table("One start on the wire", ("figure", "mean"), rows)


def _capacity(figures: list[Results]) -> str:
    head = ("processes", "starts/s", "floor", "CPU µs", "floor", "peak RSS MB", "floor")
    keys = ("starts_per_second", "cpu_us", "peak_rss_mb")
    rows = (
        (one["processes"], *(one[side][key] for key in keys for side in ("ours", "floor")))
        for one in figures
    )
    return _table("Processes at once", head, rows)


def _growth(figures: list[Results]) -> str:
    head = ("what there is", "number", "p50 µs", "floor", "ratio")
    rows = ((f["what"], f["size"], f["ours"], f["floor"], f["ratio"]) for f in figures)
    return _table("Growth", head, rows)


def _cold(figures: Results) -> str:
    rows = [
        (name, one["ours"], one["floor"], one["ratio"])
        for name, one in (
            ("with .pyc", figures["with_pyc"]),
            ("without .pyc", figures["without_pyc"]),
        )
    ]
    packages = figures["by_package_ms"].items()
    return "\n\n".join((
        _table("Init, ms", ("packages", "ours", "imports alone", "ratio"), rows),
        f"Packages with `.pyc`: {figures['packages_mb']:.1f} MB.",
        _table("Import time by package, ms (-X importtime slows it)", ("package", "ms"), packages),
    ))  # fmt: skip
