"""Draws ``docs/images/performance.svg`` from the results: ``python -m bench.chart``."""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import escape

from bench.handler import PHASES

ROOT = Path(__file__).resolve().parents[1]
COLOURS = ("#4e79a7", "#59a14f", "#edc948", "#e15759", "#b07aa1", "#9c9c9c")
LEFT, WIDTH, ROW = 190, 560, 46


def chart() -> str:
    """Return bars: each case's median by phase as multiples of its floor, which ends at 1."""
    cases = json.loads((ROOT / "bench" / "results.json").read_text())["warm"]
    unit = WIDTH / 1.6
    parts = []
    for row, case in enumerate(cases):
        y, x = 40 + row * ROW, float(LEFT)
        parts.append(f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end">')
        parts.append(f"{escape(case['case'])}</text>")
        for phase, colour in zip((*PHASES, "rest"), COLOURS, strict=True):
            width = case["phases"][phase] / case["floor"]["p50"] * unit
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="24" fill="{colour}"/>'
            )
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 17}">{case["ratio"]:.2f}</text>')
    for place, (phase, colour) in enumerate(zip((*PHASES, "rest"), COLOURS, strict=True)):
        x = LEFT + place * 85
        parts.append(f'<rect x="{x}" y="8" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 17}" y="19">{phase}</text>')
    height = 50 + len(cases) * ROW
    floor = LEFT + unit
    parts.append(
        f'<line x1="{floor}" y1="32" x2="{floor}" y2="{height - 22}" stroke="black"/>'
        f'<text x="{floor}" y="{height - 8}" text-anchor="middle">the floor</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{height}" '
        f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>'
        + "".join(parts)
        + "</svg>\n"
    )


if __name__ == "__main__":
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    (ROOT / "docs" / "images" / "performance.svg").write_text(chart())
