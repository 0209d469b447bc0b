"""One sandbox's process, which has nothing in it but the handler, or the floor: what it takes.

Run as ``python -m bench.sandbox``: takes an order from its input, and prints the figures.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Whatever else is imported here would be measured along.
Starter = tuple[Callable[[], object], Callable[[], None]]


def main() -> None:
    """Start as often as ordered, and tell the resident memory in MB: before, and at the peak."""
    order = json.load(sys.stdin)
    make = {"ours": _ours, "floor": _floor}[order["side"]]
    start, close = make(order["urls"], order["path"], order["payload"])
    before = _resident("VmRSS")
    for _ in range(order["starts"]):
        start()
    figures = {"init_mb": before, "peak_mb": _resident("VmHWM")}
    close()
    print("\n" + json.dumps(figures))


def _ours(urls: list[str], path: str, given: Any) -> Starter:
    from bench.handler import Handler  # noqa: PLC0415

    handler = Handler(*urls)
    handler.body(path, given)
    return handler.start, handler.close


def _floor(urls: list[str], path: str, given: Any) -> Starter:
    from bench.floor import Floor  # noqa: PLC0415

    floor, text = Floor(*urls), json.dumps(given)
    return lambda: floor.start(path, text), floor.close


def _resident(what: str) -> float:
    # Not getrusage, which counts what the process was before it became another program.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(rf"{what}:\s+(\d+) kB", status)
    return int(match[1]) / 1024 if match else float("nan")


if __name__ == "__main__":
    main()
