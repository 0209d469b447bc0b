"""One of ours and one of the floor in turn, so that a noisy machine slows both alike."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.silence import silent

SIDES = ("ours", "floor")


@dataclass
class Turns:
    """Samples of both sides, in nanoseconds.

    :ivar times: from call to return
    :ivar cpu: of this process, all threads
    :ivar garbage: of it, spent in the garbage collector
    """

    times: dict[str, list[int]] = field(default_factory=lambda: {side: [] for side in SIDES})
    cpu: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    garbage: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))


def take_turns(
    ours: Callable[[], object],
    floor: Callable[[], object],
    number: int,
    *,
    warm_up: int = 5,
    after_ours: Callable[[], object] = lambda: None,
) -> Turns:
    """Call each so many times, first ours, then the floor, then the other way round.

    Whoever comes second may find the disk's queue or a cache as the first one left it.

    :param warm_up: turns before those that count: they open connections and plan statements
    :param after_ours: is called after each of ours that counts, outside the time taken
    """
    turns = Turns()
    calls = {"ours": ours, "floor": floor}
    gc.collect()
    with silent(), _watched_collector() as collector:
        for turn in range(-warm_up, number):
            for side in SIDES if turn % 2 else SIDES[::-1]:
                garbage, cpu = collector.spent, time.process_time_ns()
                begin = time.perf_counter_ns()
                calls[side]()
                taken = time.perf_counter_ns() - begin
                if turn < 0:
                    continue
                turns.times[side].append(taken)
                turns.cpu[side] += time.process_time_ns() - cpu
                turns.garbage[side] += collector.spent - garbage
                if side == "ours":
                    after_ours()
    return turns


@dataclass
class _Collector:
    spent: int = 0
    begun: int = 0

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter_ns()
        if phase == "start":
            self.begun = now
        else:
            self.spent += now - self.begun


@contextlib.contextmanager
def _watched_collector() -> Iterator[_Collector]:
    collector = _Collector()
    gc.callbacks.append(collector)
    try:
        yield collector
    finally:
        gc.callbacks.remove(collector)
