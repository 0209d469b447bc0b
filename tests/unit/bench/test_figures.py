from __future__ import annotations

import math
import random
import statistics

import pytest

from bench.figures import Interval, decades, outliers, percentile, spread, theil_sen


@pytest.mark.parametrize(
    ("part", "expected"), [(0, 1), (1, 1), (50, 50), (95, 95), (99, 99), (99.5, 100), (100, 100)]
)
def test_a_percentile_is_one_of_the_values(part, expected):
    values = random.Random(1).sample(range(1, 101), 100)

    assert percentile(values, part) == expected


def test_a_percentile_of_few_values_is_never_beyond_them():
    assert [percentile([7], part) for part in (1, 50, 99)] == [7, 7, 7]
    assert percentile([1, 2, 3], 50) == 2
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_spread_is_a_share_of_the_median():
    assert spread([100, 100, 100]) == 0
    assert spread([90, 100, 115]) == 0.25


def test_outliers_are_counted_beyond_a_multiple_of_the_median():
    assert outliers([10, 10, 10, 30, 31], times=3) == 1


@pytest.mark.parametrize(
    ("number", "ranks"), [(5, (1, 5)), (8, (1, 8)), (9, (2, 8)), (12, (3, 10)), (20, (6, 15))]
)
def test_the_interval_of_a_median_has_the_ranks_of_the_sign_test(number, ranks):
    interval = Interval.of([float(n) for n in range(1, number + 1)])

    assert (interval.low, interval.high) == ranks
    assert interval.median == (number + 1) / 2


def test_the_interval_holds_the_true_median_in_95_of_100_cases():
    chance = random.Random(7)
    held = 0
    for _ in range(2_000):
        interval = Interval.of([chance.lognormvariate(0, 1) for _ in range(15)])
        held += interval.low <= 1 <= interval.high

    assert 0.945 < held / 2_000 < 0.985


def test_the_slope_is_found_despite_an_outlier():
    points = [(float(x), 2.0 * x + 1) for x in range(10)]
    points[3] = (3.0, 500.0)

    assert theil_sen(points) == 2


def test_points_above_each_other_have_no_slope_between_them():
    assert theil_sen([(0, 1), (0, 9), (1, 5)]) == statistics.median([4, -4])


def test_sizes_become_tenfold_steps():
    assert [decades(size) for size in (0, 1, 10, 100_000)] == [0, 0, 1, 5]
    assert math.isclose(decades(5_000_000), 6.69897, rel_tol=1e-5)
