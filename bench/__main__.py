"""Measure a start, print the tables, and write the figures to ``bench/results.json``."""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.capacity import SECONDS, capacity
from bench.cold import cold
from bench.growth import EVENTS, growth
from bench.report import report
from bench.servers import servers
from bench.warm import RUNS, warm
from bench.wire import wire

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="interleaved runs per case")
    parser.add_argument("--share", type=float, default=1.0, help="of the starts of each run")
    parser.add_argument(
        "--events", type=int, nargs="+", default=EVENTS, help="sizes of the history"
    )
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    with servers() as running:
        results: dict[str, Any] = {
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "python": platform.python_version(),
            "warm": warm(running, options.runs, options.share),
            "wire": wire(running),
            "capacity": capacity(running, SECONDS * options.share),
            "growth": growth(running, tuple(options.events)),
            "cold": cold(),
        }
    # Above the number of processes that the bench itself keeps busy, others were at work.
    results["load"] = [load_before, os.getloadavg()[0]]
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    print(report(results))


if __name__ == "__main__":
    main()
