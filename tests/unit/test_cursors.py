from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.cursors import read_cursor, write_cursor
from control_plane.errors import InvalidRequest

INTEGERS = st.integers(-(2**63), 2**63 - 1)


@given(INTEGERS, INTEGERS)
def test_a_cursor_holds_its_key(first, second):
    cursor = write_cursor((first, second), "executions", {"path": "a"})
    assert read_cursor(cursor, 2, "executions", {"path": "a"}) == (first, second)


def test_without_a_cursor_there_is_no_key():
    assert read_cursor(None, 2, "executions", {}) is None


@given(st.text(max_size=200))
def test_a_made_up_cursor_is_refused(cursor):
    with pytest.raises(InvalidRequest, match="cursor: is no cursor of this list"):
        read_cursor(cursor, 2, "executions", {})


@pytest.mark.parametrize(
    "belonging", [("catalog", {}), ("executions", {"path": "b"}), ("executions", {"status": "X"})]
)
def test_a_cursor_of_another_list_is_refused(belonging):
    cursor = write_cursor((1, 2), "executions", {})
    with pytest.raises(InvalidRequest):
        read_cursor(cursor, 2, *belonging)


@given(st.data())
def test_a_cursor_that_was_changed_is_refused(data):
    cursor = write_cursor((1, 2), "executions", {})
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    changed = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    with pytest.raises(InvalidRequest):
        read_cursor(changed, 2, "executions", {})
