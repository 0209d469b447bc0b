"""Histories by seeds: a few of them always the same, more and others by `make faults`."""

from __future__ import annotations

import os

import pytest

from tests.faults.doubles import FiresAndForgets
from tests.faults.histories import History

SEEDS = (
    [int(os.environ["SEED"])]
    if os.environ.get("SEED")
    else range(int(os.environ.get("SEEDS") or 8))
)
REVEALING = 1
"""The seed of a history in which a failure to notify that is kept quiet does harm."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history(make_world, seed):
    history = History(make_world(), seed)
    try:
        history.run()
    finally:
        print(f"make faults SEED={seed}", *history.steps, sep="\n")


def test_a_seed_that_finds_a_bug_finds_it_again(make_world):
    found = []
    for _ in range(2):
        history = History(make_world(FiresAndForgets.__name__), REVEALING)
        found.append((history.violations(), history.steps))
    assert found[0] == found[1]
    assert "I4" in found[0][0]
