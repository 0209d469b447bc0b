from __future__ import annotations

import gc
import time

import pytest

from bench import batch, open_loop, warm
from bench.handler import PHASES
from bench.turns import SIDES, Turns, take_turns


def turns(ours, floor, cpu=(1, 1)):
    return Turns(
        times={"ours": ours, "floor": floor},
        cpu=dict(zip(SIDES, cpu, strict=True)),
        garbage=dict.fromkeys(SIDES, 0),
    )


PHASE_TIMES = dict.fromkeys(PHASES, 100_000.0)


def test_a_ratio_is_the_median_of_the_runs_and_not_of_all_starts_together():
    runs = [turns([ours] * 3, [1_000_000] * 3) for ours in (1_200_000, 1_300_000, 9_000_000)]

    figures = warm.summary([(run, PHASE_TIMES) for run in runs])

    assert figures["ratio"] == 1.3
    assert figures["ratio_range"] == [1.2, 9.0]
    assert figures["ours"]["p50"] == 1_300


def test_the_tail_is_that_of_all_runs_together():
    calm = turns([1_000_000] * 100, [1_000_000] * 100)
    upset = turns([1_000_000] * 90 + [8_000_000] * 10, [1_000_000] * 100)

    figures = warm.summary([(run, PHASE_TIMES) for run in (calm, calm, upset)])

    assert figures["ours"]["p99"] == 8_000
    assert figures["ours"]["p99_over_p50"] == 8
    assert figures["ours"]["outliers"] == 10
    assert figures["floor"]["p99_over_p50"] == 1


def test_phases_and_the_rest_add_up_to_the_whole():
    figures = warm.summary([(turns([900_000], [500_000]), PHASE_TIMES)])

    assert figures["phases"]["rest"] == 400
    assert sum(figures["phases"].values()) == figures["ours"]["p50"]


def test_cpu_is_per_start():
    run = turns([1_000_000] * 4, [1_000_000] * 4, cpu=(8_000_000, 2_000_000))

    figures = warm.summary([(run, PHASE_TIMES)])

    assert (figures["ours"]["cpu"], figures["floor"]["cpu"]) == (2_000, 500)
    assert figures["cpu_ratio"] == 4


def test_a_floor_that_moves_is_told():
    runs = [turns([2_000_000], [floor]) for floor in (1_000_000, 1_000_000, 1_300_000)]

    assert warm.summary([(run, PHASE_TIMES) for run in runs])["floor_moved"] == 0.3


def test_a_batch_is_counted_per_call_and_per_start():
    run = turns([20_000_000] * 2, [5_000_000] * 2, cpu=(40_000_000, 4_000_000))

    figures = batch.summary([run], items=10)

    assert figures["ours"] == {"ms": 20, "starts_per_second": 500, "cpu_us": 2_000}
    assert figures["ratio"] == 4


def test_of_few_starts_there_is_no_p99():
    assert open_loop.summary([[0.001] * 99])["p99"] is None
    assert open_loop.summary([[0.001] * 90, [0.002] * 10])["p99"] == 2


def test_each_side_comes_first_in_every_other_turn():
    order = []
    taken = take_turns(lambda: order.append("ours"), lambda: order.append("floor"), 4, warm_up=2)

    assert order[:8] == ["floor", "ours", "ours", "floor"] * 2
    assert [len(times) for times in taken.times.values()] == [4, 4]


def test_garbage_is_charged_to_whoever_is_collected():
    taken = take_turns(gc.collect, lambda: None, 3)

    assert taken.garbage["ours"] > 0
    assert taken.garbage["floor"] == 0


def test_a_late_start_is_as_late_as_it_was_due(monkeypatch):
    class Value:
        value = 0

        def get_lock(self):
            return open_loop.contextlib.nullcontext()

    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    spent = iter([3.5, 0.25, 0.25, 0.25])

    def start():
        clock[0] += next(spent)

    load = open_loop.Load(rate=1, seconds=4, processes=1)
    times = open_loop._carry_out(load, start, 0.0, Value())

    # Due at 0, 1, 2, 3: the first one holds up those after it, and that counts.
    assert times == pytest.approx([3.5, 2.75, 2.0, 1.25])
