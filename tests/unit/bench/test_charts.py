from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.chart import charts
from bench.handler import PHASES
from bench.svg import Frame, panel

SVG = "{http://www.w3.org/2000/svg}"


def sides(**figures):
    return {"ours": figures, "floor": figures}


RESULTS = {
    "warm": [
        {"case": "<3 steps>", "phases": dict.fromkeys((*PHASES, "rest"), 200.0), "ratio": 1.2}
        | sides(p50=1000.0)
    ],
    "growth": {
        "points": [
            {"what": "events", "size": size, "ours": 2000.0, "floor": 1500.0}
            for size in (0, 1_000, 5_000_000)
        ]
    },
    "capacity": [
        {"processes": number} | sides(starts_per_second=100.0 * number) for number in (1, 8)
    ],
    "open_loop": [{"rate": 1} | sides(p50=2.0, p99=None, max=3.0)],
    "cold": {"with_pyc": {"ours": 400, "floor": 300}, "without_pyc": {"ours": 900, "floor": 800}},
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_picture_is_an_image_that_a_browser_can_read(name):
    drawn = ElementTree.fromstring(charts(RESULTS)[name])

    assert drawn.tag == f"{SVG}svg"
    assert len(list(drawn)) > 5


def test_only_what_was_measured_is_drawn():
    assert charts({"cold": RESULTS["cold"], "load": [1, 2]}).keys() == {"cold"}


def test_sizes_stand_below_the_panel_in_short():
    words = [
        one.text for one in ElementTree.fromstring(charts(RESULTS)["growth"]).iter(f"{SVG}text")
    ]

    assert {"events, ms", "0", "1k", "5M"} <= set(words)


def test_a_line_runs_between_the_corners_of_its_panel():
    frame = Frame("t", left=10, top=20, width=100, height=50)

    drawn = panel(frame, {"ours": [(0, 0), (4, 10)]}, {0: "0", 4: "4"}, highest=10)

    assert any('points="10.0,70.0 110.0,20.0"' in part for part in drawn)


def test_names_below_a_panel_do_not_cover_each_other():
    frame = Frame("t", left=0, top=0, width=100, height=50)
    ticks = {0: "0", 9.5: "500k", 10: "1M"}

    drawn = "".join(panel(frame, {"ours": [(0, 0), (10, 1)]}, ticks, highest=1))

    assert ">1M<" in drawn
    assert ">0<" in drawn
    assert "500k" not in drawn
