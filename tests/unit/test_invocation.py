"""What is left of an invocation bounds every wait."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from control_plane import invocation


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch):
    monkeypatch.setattr(invocation, "time", SimpleNamespace(monotonic=lambda: 1000.0))


def test_outside_of_an_invocation_the_budget_alone_counts():
    assert invocation.deadline(5) == 1005
    assert invocation.seconds_left() == math.inf


def test_the_budget_counts_while_the_invocation_has_more():
    with invocation.lasting(15):
        assert invocation.deadline(5) == 1005


def test_what_the_invocation_has_left_counts_where_it_is_less_than_the_budget():
    with invocation.lasting(3):
        assert invocation.deadline(5) == 1003 - invocation.RESERVE_SECONDS


def test_an_invocation_that_is_as_good_as_over_leaves_nothing():
    with invocation.lasting(0.1):
        assert invocation.deadline(5) == 1000
        assert invocation.seconds_left() == 0


def test_an_invocation_that_failed_is_over_as_well():
    with pytest.raises(RuntimeError), invocation.lasting(3):
        raise RuntimeError
    assert invocation.seconds_left() == math.inf
