"""Values in text as PostgreSQL has them, for statements that go past the driver's types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

Value = str | int | bytes | list[int] | None


def encoded(value: Value, codec: str) -> bytes | None:
    """Return what PostgreSQL reads as this text, number, ``bytea`` or ``bigint[]``.

    :raises psycopg.DataError: a text with NUL, which libpq would take for its end
    """
    if value is None:
        return None
    if isinstance(value, str):
        if "\0" in value:
            raise psycopg.DataError("NUL in a text")
        return value.encode(codec)
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    if isinstance(value, list):
        return b"{%s}" % ",".join(map(str, value)).encode()
    return b"%d" % value


def read(reader: Callable[[str], Any], text: str | None) -> Any:
    """Return what a column's text says, None where the column is null."""
    return None if text is None else reader(text)


def ids_of(text: str) -> list[int]:
    """Read a ``bigint[]`` without nulls."""
    return [int(one) for one in text[1:-1].split(",")]
