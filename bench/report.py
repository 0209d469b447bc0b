"""The figures as tables that a person can read: Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.figures import QUOTABLE
from bench.handler import PHASES
from bench.turns import SIDES

Results = dict[str, Any]
RATES = (1, 100, 10_000)


def report(results: Results) -> str:
    """Return the tables of the parts that were measured."""
    parts: dict[str, Callable[[Any], str]] = {
        "warm": lambda cases: f"{_phases(cases)}\n\n{_warm(cases)}",
        "wire": _wire,
        "capacity": _capacity,
        "memory": _memory,
        "batch": _batch,
        "open_loop": _open_loop,
        "growth": lambda figures: f"{_points(figures)}\n\n{_slopes(figures)}\n\n{_first(figures)}",
        "listing": _listing,
        "cold": _cold,
    }
    tables = [make(results[name]) for name, make in parts.items() if name in results]
    if {"warm", "wire"} <= results.keys():
        tables.append(_meaning(results["warm"], results["wire"]["one start"]))
    return "\n\n".join(tables)


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table under its title."""
    lines = [
        f"### {title}",
        "",
        "| " + " | ".join(head) + " |",
        "| --- |" + " ---: |" * (len(head) - 1),
    ]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _moved(share: float) -> str:
    """Tell how far the floor itself moved: beyond a tenth, the machine had other work."""
    return f"{share:.0%}" if share <= QUOTABLE else f"**{share:.0%}, do not quote**"


def _warm(cases: list[Results]) -> str:
    head = ("case", "p50 µs", "p95", "p99", "p99 / p50", "floor p50", "p95", "p99", "p99 / p50",
            "ratio", "least", "most", "CPU µs", "floor", "ratio", "floor moved")  # fmt: skip
    tails = ("p50", "p95", "p99", "p99_over_p50")
    rows = [
        (
            case["case"], *(case["ours"][p] for p in tails), *(case["floor"][p] for p in tails),
            case["ratio"], *case["ratio_range"], case["ours"]["cpu"], case["floor"]["cpu"],
            case["cpu_ratio"], _moved(case["floor_moved"]),
        )
        for case in cases
    ]  # fmt: skip
    return table("Warm starts beside the floor", head, rows) + "\n\n" + _disturbances(cases)


def _disturbances(cases: list[Results]) -> str:
    head = ("case", "starts", "over 3 x p50", "floor", "longest µs", "floor",
            "garbage collector µs a start", "floor")  # fmt: skip
    keys = ("outliers", "max", "garbage")
    rows = (
        (c["case"], c["runs"] * c["starts"], *(c[s][key] for key in keys for s in SIDES))
        for c in cases
    )
    return table("What disturbed them", head, rows)


def _phases(cases: list[Results]) -> str:
    names = (*PHASES, "rest")
    rows = ((case["case"], *(case["phases"][name] for name in names)) for case in cases)
    return table("Where the time goes, median µs", ("case", *names), rows)


def _wire(figures: Results) -> str:
    names = dict.fromkeys(name for each in figures.values() for name in each)
    rows = (
        (name.replace("_", " "), *(each.get(name) for each in figures.values())) for name in names
    )
    return table("One call on the wire and in memory", ("mean of", *figures), rows)


def _capacity(figures: list[Results]) -> str:
    head = ("processes", "starts/s", "floor", "CPU µs", "floor", "floor moved")
    keys = ("starts_per_second", "cpu_us")
    rows = (
        (
            one["processes"],
            *(one[side][key] for key in keys for side in SIDES),
            _moved(one["floor_moved"]),
        )
        for one in figures
    )
    return table("Processes at once", head, rows)


def _memory(figures: list[Results]) -> str:
    head = ("100 starts of", "MB after init", "floor", "at the peak", "floor")
    rows = (
        (f["case"], *(f[side][key] for key in ("init_mb", "peak_mb") for side in SIDES))
        for f in figures
    )
    return table("Memory of a sandbox's process", head, rows)


def _batch(figures: list[Results]) -> str:
    head = ("call", "starts in it", "ms a call", "floor", "starts/s", "floor",
            "CPU µs a start", "floor", "ratio", "least", "most", "floor moved")  # fmt: skip
    keys = ("ms", "starts_per_second", "cpu_us")
    rows = (
        (f["case"], f["items"], *(f[side][key] for key in keys for side in SIDES),
         f["ratio"], *f["ratio_range"], _moved(f["floor_moved"]))
        for f in figures
    )  # fmt: skip
    return table("Many starts in one call", head, rows)


def _open_loop(figures: list[Results]) -> str:
    head = ("starts due a second", "processes", "starts", "p50 ms", "floor", "p95", "floor",
            "p99", "floor", "longest", "floor", "floor moved")  # fmt: skip
    keys = ("p50", "p95", "p99", "max")
    rows = (
        (f["rate"], f["processes"], f["ours"]["starts"],
         *(f[side][key] for key in keys for side in SIDES), _moved(f["floor_moved"]))
        for f in figures
    )  # fmt: skip
    return table("Latency from when a start was due", head, rows)


def _points(figures: Results) -> str:
    head = ("what there is", "number", "p50 µs", "floor", "ratio")
    rows = ((p["what"], p["size"], p["ours"], p["floor"], p["ratio"]) for p in figures["points"])
    return table("Growth", head, rows)


def _slopes(figures: Results) -> str:
    head = ("what grows tenfold", "rounds", "ours, %", "95 of 100", "floor, %", "95 of 100",
            "ratio, %", "95 of 100")  # fmt: skip
    rows = (
        (one["what"], one["rounds"], *(
            cell for name in (*SIDES, "ratio")
            for cell in (one[name]["median"], f"{one[name]['low']:.2f} to {one[name]['high']:.2f}")
        ))
        for one in figures["slopes"]
    )  # fmt: skip
    return table("Slower by so much with each tenfold", head, rows)


def _first(figures: Results) -> str:
    rows = (
        (one["steps"], *(one[side] / 1000 for side in SIDES)) for one in figures["first_starts"]
    )
    return table("First start of a playbook in a sandbox, ms", ("steps", "p50", "floor"), rows)


def _listing(figures: Results) -> str:
    head = ("events", "page", "executions", "ms", "8 KB blocks")
    keys = ("events", "page", "executions", "ms", "blocks")
    rows = (tuple(page[key] for key in keys) for page in figures["pages"])
    made = f"All indexes of the log anew: {figures['indexes_s']:.1f} s."
    return f"{table('Pages of GET /api/executions', head, rows)}\n\n{made}"


def _meaning(cases: list[Results], start: Results) -> str:
    """Return what rates come to, computed from one start at a time and the smallest payload."""
    by_name = {case["case"]: case["ours"] for case in cases}
    near, far = by_name["3 steps, 100 B"], by_name["3 steps, 100 B, 1 ms away"]
    head = ("starts a second", "busy sandboxes", "of a core, in handlers", "round trips/s",
            "commits/s", "in batches of 10", "MB/s to PostgreSQL", "event rows a day")  # fmt: skip
    rows = (
        (
            rate, rate * far["p50"] / 1e6, rate * near["cpu"] / 1e6,
            round(rate * start["round_trips"]), rate, rate / 10,
            rate * start["database_bytes"] / 1e6, rate * 2 * 86_400,
        )
        for rate in RATES
    )  # fmt: skip
    return table("What rates come to (computed)", head, rows)


def _cold(figures: Results) -> str:
    rows = [
        (name, one["ours"], one["floor"], one["ratio"])
        for name, one in (
            ("with .pyc", figures["with_pyc"]),
            ("without .pyc", figures["without_pyc"]),
        )
    ]
    if counted := figures.get("instructions"):
        names = ("ours", "floor", "ratio")
        rows.append(("millions of instructions with .pyc", *(counted[name] for name in names)))
    packages = figures["by_package_ms"].items()
    return "\n\n".join((
        table("Init, ms", ("packages", "ours", "imports alone", "ratio"), rows),
        f"Packages with `.pyc`: {figures['packages_mb']:.1f} MB.",
        table("Import time by package, ms (-X importtime slows it)", ("package", "ms"), packages),
    ))  # fmt: skip
