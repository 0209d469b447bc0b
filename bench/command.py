"""Measure starts, print the tables, and write the figures to ``bench/results.json``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.batch import batch
from bench.capacity import capacity
from bench.cold import cold
from bench.growth import FULL_SIZES, SIZES, growth
from bench.listing import FULL_EVENTS, listing
from bench.memory import memory
from bench.open_loop import open_loop
from bench.report import report
from bench.servers import Servers, servers
from bench.warm import warm
from bench.wire import wire

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Form:
    """How thoroughly to measure."""

    name: str
    share: float
    runs: int
    rounds: int
    sizes: dict[str, tuple[int, ...]]
    events: tuple[int, ...]


SHORT = Form("short", 0.5, 3, 9, SIZES, (10_000, 100_000))
FULL = Form("full", 1.0, 5, 21, FULL_SIZES, FULL_EVENTS)
"""What the committed figures are of."""

PARTS: dict[str, Callable[[Servers, Form], Any]] = {
    "warm": lambda servers, form: warm(servers, form.runs, form.share),
    "wire": lambda servers, _: wire(servers),
    "capacity": lambda servers, form: capacity(servers, 2 * form.share, form.runs),
    "memory": lambda servers, _: memory(servers),
    "batch": lambda servers, form: batch(servers, form.runs, form.share),
    "open_loop": lambda servers, form: open_loop(servers, form.runs, form.share),
    "growth": lambda servers, form: growth(servers, form.sizes, form.rounds),
    "listing": lambda _, form: listing(form.events),
    "cold": lambda *_: cold(),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--full", action="store_true",
        help="more runs, five million events: about 20 minutes instead of five",
    )  # fmt: skip
    parser.add_argument("--only", nargs="+", choices=PARTS, help="leave out the other parts")
    parser.add_argument(
        "--output", type=Path,
        help="where the figures go; by default bench/results.json, with --only nowhere",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    results = measure(FULL if options.full else SHORT, options.only or list(PARTS))
    failed = [name for name in options.only or PARTS if name not in results]
    output = options.output or (None if options.only or failed else RESULTS)
    if output:
        output.write_text(json.dumps(results, indent=1) + "\n")
    print(report(results))
    if failed:
        sys.exit(f"failed, and left out: {', '.join(failed)}")


def measure(form: Form, parts: Sequence[str]) -> dict[str, Any]:
    """Return the figures of these parts, and what they were measured on.

    A part that fails is left out; on a busy machine a statement of a large batch may run into the
    8 seconds that the database gives it.
    """
    load_before = os.getloadavg()[0]
    results: dict[str, Any] = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "form": form.name,
    }
    with servers() as running:
        for name in parts:
            print(f"{datetime.now(UTC):%H:%M:%S} {name}", flush=True)
            try:
                results[name] = PARTS[name](running, form)
            except Exception:
                traceback.print_exc()
    # Above the number of processes that the bench itself keeps busy, others were at work.
    results["load"] = [load_before, os.getloadavg()[0]]
    return results
