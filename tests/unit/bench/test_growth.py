from __future__ import annotations

import random

import pytest

from bench.growth import slopes

SIZES = (0, 10, 1_000, 100_000)


def visits(cost, rounds=15):
    chance = random.Random(3)
    return {
        size: [
            {"ours": cost(size) * chance.uniform(0.9, 1.1), "floor": 100 * chance.uniform(0.9, 1.1)}
            for _ in range(rounds)
        ]
        for size in SIZES
    }


def test_a_cost_that_does_not_grow_has_an_interval_around_nothing():
    found = slopes("events", visits(lambda _: 150.0))

    assert found["ours"]["low"] < 0 < found["ours"]["high"]
    assert found["ratio"]["low"] < 0 < found["ratio"]["high"]


def test_a_cost_that_grows_with_every_tenfold_size_is_told_from_noise():
    grows = {0: 100.0, 10: 120.0, 1_000: 160.0, 100_000: 200.0}  # 20 each

    found = slopes("events", visits(grows.__getitem__))

    assert found["ours"]["low"] > 5
    assert found["ours"]["median"] == pytest.approx(20 / 140 * 100, rel=0.25)
    assert found["floor"]["low"] < 0 < found["floor"]["high"]


def test_a_cost_that_follows_the_size_itself_is_seen():
    found = slopes("events", visits(lambda size: 100 + size / 1000))

    assert found["ratio"]["low"] > 5
