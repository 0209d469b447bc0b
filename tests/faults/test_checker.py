"""The checker is checked: bugs on purpose, one for each way to break a promise, are reported."""

from __future__ import annotations

import pytest

from tests.faults.doubles import NOTIFIERS, OUTBOXES, STORES, breaks
from tests.faults.playbooks import REFUSED


def ordinary_history(world):
    """A bit of everything: a start twice, a refused one, and one while NATS is away."""

    sandbox = world.sandbox()

    def start(key, **arguments):
        world.start(sandbox, key, timeout=3, **arguments)

    start("order-1")
    start("order-1")
    start("order-2", **REFUSED[0][0])
    world.nats.refuse()
    start("order-3")
    world.nats.mend()
    start("order-4")
    world.settle(world.sandbox("RelayFunction"))
    return {violation.invariant for violation in world.violations()}


def test_without_a_bug_nothing_is_reported(make_world):
    assert ordinary_history(make_world()) == set()


@pytest.mark.parametrize("double", STORES + NOTIFIERS + OUTBOXES, ids=lambda one: one.__name__)
def test_a_bug_is_reported(make_world, double):
    assert breaks(double) in ordinary_history(make_world(double.__name__))


def test_every_invariant_has_its_bug():
    broken = {breaks(double) for double in STORES + NOTIFIERS + OUTBOXES}
    assert broken == {f"I{number}" for number in range(1, 8)}
