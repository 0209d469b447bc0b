"""Draws where a warm start spends its CPU: ``python -m bench.flame`` writes docs/images/flame.svg.

Samples are taken by a timer of CPU time, so that waiting for the servers does not show.
"""

from __future__ import annotations

import argparse
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from xml.sax.saxutils import escape

from bench.handler import Handler
from bench.servers import payload, servers
from bench.silence import silent
from bench.svg import picture

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "flame.svg"
STARTS = 10_000
INTERVAL = 0.001
WIDTH, HEIGHT, LEAST = 1200, 16, 2.5
"""Pixels: of all samples, of a row, and below which a frame is left out."""
COLOURS = {
    "control_plane": "#4e79a7", "functions": "#4e79a7", "psycopg": "#59a14f", "nats": "#b07aa1",
    "asyncio": "#d7b5d8", "aws_lambda_powertools": "#edc948", "logging": "#f4e09a",
    "pydantic": "#e15759", "json": "#f1a7a8",
}  # fmt: skip
OTHER = "#c8c8c8"

Stack = tuple[tuple[str, str], ...]
"""Package and function of each frame, outermost first."""


def sampled(starts: int) -> Counter[Stack]:
    """Return how often each stack was seen while so many executions were started."""
    seen: Counter[Stack] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        seen[tuple(_frames(frame))[::-1]] += 1

    with servers() as running, silent():
        handler = Handler(running.database_url, running.nats_url)
        handler.body("bench/steps-3", payload(100))
        for _ in range(100):
            handler.start()
        signal.signal(signal.SIGPROF, sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        for _ in range(starts):
            handler.start()
        signal.setitimer(signal.ITIMER_PROF, 0)
        handler.close()
    return seen


def _frames(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    """Yield package and function, innermost first, down to the handler."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "?"))
        if module.startswith("bench") and frame.f_code.co_name == "start":
            return
        if not module.startswith("bench"):  # its watches are no part of a start
            name = re.sub(r"^.*<locals>\.", "", frame.f_code.co_qualname)
            yield module.partition(".")[0], f"{module.rpartition('.')[2]}.{name}"
        frame = frame.f_back


def drawn(seen: Counter[Stack]) -> str:
    """Return the flame graph: callers above what they call, as wide as their share of the CPU."""
    total = sum(seen.values())
    parts: list[str] = []
    deepest = _draw(parts, seen, 0, 0.0, total)
    return picture(WIDTH, (deepest + 1) * HEIGHT, parts)


def _draw(parts: list[str], seen: Counter[Stack], depth: int, left: float, total: int) -> int:
    children: dict[tuple[str, str], Counter[Stack]] = {}
    for stack, number in seen.items():
        if len(stack) > depth:
            children.setdefault(stack[depth], Counter())[stack] += number
    deepest = depth
    for (package, name), below in sorted(children.items()):
        share = sum(below.values()) / total
        width = share * WIDTH
        if width >= LEAST:
            parts.append(
                _box(left, depth, width, COLOURS.get(package, OTHER), f"{name}, {share:.1%}")
            )
            deepest = max(deepest, _draw(parts, below, depth + 1, left, total))
        left += width
    return deepest


def _box(left: float, row: int, width: float, colour: str, words: str) -> str:
    y = row * HEIGHT
    shown = escape(words[: int(width / 6.2)]) if width > 30 else ""
    return (
        f'<g><title>{escape(words)}</title><rect x="{left:.1f}" y="{y}" width="{width:.1f}" '
        f'height="{HEIGHT - 1}" fill="{colour}"/>'
        f'<text x="{left + 2:.1f}" y="{y + 11}" font-size="10">{shown}</text></g>'
    )


def main() -> None:
    """Sample and draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.flame", description=__doc__)
    parser.add_argument("--starts", type=int, default=STARTS)
    TARGET.write_text(drawn(sampled(parser.parse_args().starts)), encoding="utf-8")


if __name__ == "__main__":
    main()
