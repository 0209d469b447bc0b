"""Cursors: where a page ended, as a word that callers hand back and cannot make up.

A cursor belongs to one list and one set of filters, and says so when it is handed to another.
It is checked, not encrypted: it holds no more than the key of an entry that the caller has seen.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any

from control_plane.errors import Fault, InvalidRequest
from control_plane.json_text import Json

_CHECK_BYTES = 6
_LONGEST = 128


def write_cursor(key: tuple[int, ...], *belonging: Any) -> str:
    """Return the cursor of an entry.

    :param key: what the list is ordered by, integers of 64 bits
    :param belonging: the list's name and its filters, JSON values
    """
    packed = struct.pack(f">{len(key)}q", *key)
    return base64.urlsafe_b64encode(packed + _check(packed, belonging)).decode().rstrip("=")


def read_cursor(cursor: str | None, size: int, *belonging: Any) -> tuple[int, ...] | None:
    """Return the key in a cursor, None without one.

    :param size: how many integers the key has
    :param belonging: as it was written
    :raises InvalidRequest: made up, cut off, or of another list
    """
    if cursor is None:
        return None
    if len(cursor) > _LONGEST:
        raise made_up_cursor()
    try:
        read = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        packed, check = read[:-_CHECK_BYTES], read[-_CHECK_BYTES:]
        key = struct.unpack(f">{size}q", packed)
    except (ValueError, struct.error):
        raise made_up_cursor() from None
    if check != _check(packed, belonging):
        raise made_up_cursor()
    return key


def made_up_cursor() -> InvalidRequest:
    """Return the error to raise over a cursor that no list gave."""
    what = "is no cursor of this list; take it as the list gave it, with the same filters"
    return InvalidRequest(faults=(Fault("cursor", what),))


def _check(packed: bytes, belonging: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(packed + Json(list(belonging)).text.encode()).digest()[:_CHECK_BYTES]
