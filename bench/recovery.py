"""Measure how the product recovers, print the tables, write ``bench/recovery.json``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.drain import drain
from bench.promise import promise
from bench.report import table
from bench.servers import servers
from bench.thaw import thaw

RESULTS = Path(__file__).parent / "recovery.json"


def main() -> int:
    """Measure; return 1 where a bound of the figures does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="pauses of each kind")
    parser.add_argument("--rows", type=int, default=10_000, help="that are due")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    results: dict[str, Any] = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "thaw": thaw(options.rounds),
    }
    with servers() as running:
        results["promise"] = promise(running, rounds=8)
        results["drain"] = drain(running, options.rows)
    results["load"] = [load_before, os.getloadavg()[0]]
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    print(report(results))
    missed = list(_missed(results))
    for line in missed:
        print(f"\nMISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


def report(results: dict[str, Any]) -> str:
    """Return the tables."""
    cost = results["promise"]
    least, most = cost["ratio_range"]
    return "\n\n".join((
        table(
            "The first request after a pause of 1 s to 1 h: milliseconds added",
            ("meanwhile", "pauses", "p50", "max", "bound", "left to the relay"),
            (
                (o["kind"], o["rounds"], o["p50"], o["max"], o["bound"] or "", o["deferred"])
                for o in results["thaw"]
            ),
        ),
        table(
            "Notifications that are due",
            ("relays", "rows", "seconds", "messages", "sent by each", "left"),
            (
                (o["relays"], o["rows"], o["seconds"], o["messages"],
                 " + ".join(map(str, o["notified"])), o["left"])
                for o in results["drain"]
            ),
        ),
        table(
            "A warm start with and without what the relay needs",
            ("", "round trips", "p50 ms"),
            (
                *((way, cost["round_trips"][way], cost["milliseconds"][way])
                  for way in ("with", "without")),
                ("ratio", "", f"{cost['ratio']:.2f} ({least:.2f} to {most:.2f})"),
            ),
        ),
    ))  # fmt: skip


def _missed(results: dict[str, Any]) -> Any:
    for one in results["thaw"]:
        if one["bound"] is not None and one["max"] >= one["bound"]:
            yield f"{one['kind']}: {one['max']:.0f} ms added, bound {one['bound']}"
        if one["deferred"]:
            yield f"{one['kind']}: {one['deferred']} starts were left to the relay"
    for one in results["drain"]:
        if one["seconds"] >= 60 or one["left"] or one["messages"] != one["rows"]:
            yield f"{one['relays']} relays: {one}"


if __name__ == "__main__":
    sys.exit(main())
