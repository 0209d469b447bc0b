"""Values in text as PostgreSQL has them, for statements that go past the driver's types."""

from __future__ import annotations

import psycopg
from psycopg.pq import Escaping

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


def bytes_of(text: str) -> bytes:
    """Read a ``bytea`` as PostgreSQL writes it, in whichever of its two formats."""
    return bytes(Escaping().unescape_bytea(text.encode()))
