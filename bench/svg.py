"""Line and bar charts as SVG text: enough for the bench, so that it needs no plotting library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

COLOURS = ("#4e79a7", "#59a14f", "#edc948", "#e15759", "#b07aa1", "#9c9c9c")
OURS, FLOOR = COLOURS[0], COLOURS[5]
SIDE_COLOURS = {"ours": OURS, "floor": FLOOR}
LEFT, TOP, ROW = 190, 40, 46

Points = Sequence[tuple[float, float]]


def picture(width: float, height: float, parts: Iterable[str]) -> str:
    """Return a whole picture on white."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>'
        + "".join(parts)
        + "</svg>\n"
    )


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Return words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(begin: tuple[float, float], end: tuple[float, float], colour: str = "black") -> str:
    """Return a thin line."""
    (x1, y1), (x2, y2) = begin, end
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def legend(colours: Mapping[str, str], x: float = LEFT, y: float = 8) -> list[str]:
    """Return a row of coloured names."""
    parts = []
    for name, colour in colours.items():
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="12" height="12" fill="{colour}"/>'
            + text(x + 17, y + 11, name)
        )
        x += 32 + 7.5 * len(name)
    return parts


def bars(
    rows: Sequence[tuple[str, Mapping[str, float], str]],
    colours: Mapping[str, str],
    width: float,
) -> list[str]:
    """Return rows of bars, each of parts one behind the other.

    :param rows: name, parts, and what stands at the end
    """
    most = max(sum(parts.values()) for _, parts, _ in rows)
    drawn = []
    for number, (name, parts, end) in enumerate(rows):
        x, y = float(LEFT), TOP + number * ROW
        drawn.append(text(LEFT - 8, y + 17, name, "end"))
        for part, value in parts.items():
            long = value / most * width
            drawn.append(
                f'<rect x="{x:.1f}" y="{y}" width="{long:.1f}" height="24" fill="{colours[part]}"/>'
            )
            x += long
        drawn.append(text(x + 6, y + 17, end))
    return drawn


class Frame(NamedTuple):
    """Where a panel is, and what is above it; in pixels."""

    title: str
    left: float
    top: float
    width: float
    height: float


def panel(
    frame: Frame, lines: Mapping[str, Points], ticks: Mapping[float, str], highest: float
) -> list[str]:
    """Return a frame with lines in it; the vertical axis begins at 0.

    :param lines: points by the side that they are of
    :param ticks: names of places on the horizontal axis, the first and the last at its ends
    """
    title, left, top, width, height = frame
    low, high = min(ticks), max(ticks)
    step = _step(highest)
    ceiling = math.ceil(highest / step) * step

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - low) / (high - low) if high > low else 0.5
        return left + across * width, top + height - y / ceiling * height

    drawn = [text(left, top - 10, title)]
    for number in range(round(ceiling / step) + 1):
        x, y = at(low, number * step)
        drawn.append(line((x, y), (x + width, y), "#dddddd"))
        drawn.append(text(x - 6, y + 4, f"{number * step:,.4g}", "end"))
    free = math.inf
    for tick, name in sorted(ticks.items(), reverse=True):  # the last one always has its name
        x, y = at(tick, 0)
        if x + 4 * len(name) < free:
            drawn.append(text(x, y + 17, name, "middle"))
            free = x - 4 * len(name) - 6
    for side, points in lines.items():
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        colour = SIDE_COLOURS[side]
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
            for x, y in (at(*point) for point in points)
        ]
    return drawn


def _step(highest: float) -> float:
    """Return the distance of about five grid lines: 1, 2 or 5 times a power of ten."""
    rough = highest / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
