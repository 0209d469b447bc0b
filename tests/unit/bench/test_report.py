from __future__ import annotations

from bench.report import report, table


def case(name, p50, cpu):
    figures = {"p50": p50, "p95": 1.0, "p99": 1.0, "p99_over_p50": 1.0, "cpu": cpu,
               "outliers": 0, "max": 1.0, "garbage": 0.0}  # fmt: skip
    return {
        "case": name, "runs": 5, "starts": 200, "ours": figures, "floor": figures, "ratio": 1.0,
        "ratio_range": [1.0, 1.0], "cpu_ratio": 1.0, "floor_moved": 0.25,
        "phases": dict.fromkeys(("read", "resolve", "build", "record", "notify", "rest"), 1.0),
    }  # fmt: skip


RESULTS = {
    "warm": [
        case("3 steps, 100 B", p50=2000.0, cpu=1000.0),
        case("3 steps, 100 B, 1 ms away", p50=6000.0, cpu=1000.0),
    ],
    "wire": {"one start": {"round_trips": 2.0, "database_bytes": 2000.0}},
}


def test_a_row_whose_floor_moved_says_that_it_is_not_to_be_quoted():
    assert "**25%, do not quote**" in report(RESULTS)


def test_what_a_rate_comes_to_is_computed_from_one_start():
    (row,) = [line for line in report(RESULTS).splitlines() if line.startswith("| 10,000 |")]

    assert row == "| 10,000 | 60.00 | 10.00 | 20,000 | 10,000 | 1,000 | 20.00 | 1,728,000,000 |"


def test_a_part_that_was_not_measured_has_no_table():
    assert "Growth" not in report(RESULTS)


def test_a_figure_that_there_is_none_of_is_a_dash():
    assert table("t", ("rate", "p99"), [(1, None)]).endswith("| 1 | - |")
