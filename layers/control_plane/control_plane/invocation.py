"""How long the invocation at hand may still take; whoever waits for a server asks here.

A sandbox serves one invocation at a time, so the end of the current one is kept for all of it. It
is a point in the time of `time.monotonic`, which no clock that is set back or forth moves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

RESERVE_SECONDS = 1.0
"""Kept from what is left of an invocation, so that what came of it can still be told."""

_end = math.inf


@contextmanager
def lasting(seconds: float) -> Iterator[None]:
    """Bound every wait inside by the invocation, which Lambda ends after so many seconds."""
    global _end  # noqa: PLW0603
    _end = time.monotonic() + max(0.0, seconds - RESERVE_SECONDS)
    try:
        yield
    finally:
        _end = math.inf


def deadline(budget: float) -> float:
    """Return when a wait ends that may take so many seconds, or what the invocation has left.

    :returns: in the time of `time.monotonic`, which is that of event loops as well
    """
    return min(time.monotonic() + budget, _end)


def seconds_left() -> float:
    """Return how long the invocation may still take, its reserve not counted; may be infinite."""
    return max(0.0, _end - time.monotonic())
