from __future__ import annotations

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from control_plane.answers import answer_size, fitting, written_id, written_time

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=5)
)


@given(JSON)
def test_the_size_is_that_of_json_inside_json(value):
    assert answer_size(value) == len(json.dumps(json.dumps(value))) - 2


@given(st.lists(JSON), st.integers(0, 500))
def test_what_fits_is_the_longest_beginning_and_at_least_one(items, most):
    fit = fitting(items, most)
    assert fit == items[: len(fit)]
    assert len(fit) >= min(1, len(items))
    if len(fit) > 1:
        assert sum(map(answer_size, fit)) <= most
    if len(fit) < len(items):
        assert sum(map(answer_size, items[: len(fit) + 1])) > most


def test_times_are_written_in_utc_with_microseconds():
    assert written_time(datetime(2026, 10, 28, 6, 0, 30)) == "2026-10-28T06:00:30.000000Z"


def test_ids_are_written_as_text():
    assert (written_id(2**62), written_id(None)) == ("4611686018427387904", None)
