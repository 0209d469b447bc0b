"""Values as PostgreSQL writes them."""

from __future__ import annotations

import pytest

from control_plane.postgres.texts import bytes_of


@pytest.mark.parametrize("text", [r"\x00ff5c41", r"\000\377\\A"])
def test_bytes_are_read_in_either_format(text):
    assert bytes_of(text) == b"\x00\xff\\A"
