"""The arithmetic of the bench: percentiles, intervals without assumptions, slopes, noise."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

QUOTABLE = 0.10
"""A floor that moves by more than this share between runs measures the machine's other work."""


def percentile(values: Sequence[float], part: float) -> float:
    """Return the least of the values that has ``part`` percent of them at or below it."""
    if not values:
        raise ValueError("no values")
    rank = math.ceil(round(len(values) * part / 100, 9))
    return sorted(values)[max(rank, 1) - 1]


def spread(values: Sequence[float]) -> float:
    """Return by which share of their median the values lie apart."""
    return (max(values) - min(values)) / statistics.median(values)


def outliers(values: Sequence[float], times: float = 3.0) -> int:
    """Return how many values are more than so many times the median."""
    limit = statistics.median(values) * times
    return sum(value > limit for value in values)


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and what holds the true one in at least 95 of 100 cases, unless too few values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """Return the interval between two of the values, found by counting alone (sign test).

        Below six values no pair suffices, and the interval is from the least to the greatest.
        """
        ordered, number = sorted(values), len(values)
        cut, missed = 0, 0.5**number
        while missed + math.comb(number, cut + 1) * 0.5**number <= 0.025 and cut + 1 < number // 2:
            cut += 1
            missed += math.comb(number, cut) * 0.5**number
        return cls(statistics.median(ordered), ordered[cut], ordered[number - 1 - cut])

    def scaled(self, factor: float) -> dict[str, Any]:
        """Return the three, multiplied, as JSON has them."""
        return {
            "median": self.median * factor,
            "low": self.low * factor,
            "high": self.high * factor,
        }


def theil_sen(points: Iterable[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs of points, which outliers hardly move."""
    return statistics.median(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in itertools.combinations(points, 2)
        if earlier[0] != later[0]
    )


def decades(size: int) -> float:
    """Return a size as a number of tenfold steps; nothing counts as one."""
    return math.log10(max(size, 1))
