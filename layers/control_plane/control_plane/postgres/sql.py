"""The statements, each in a file under its name, read once."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def statement(name: str) -> bytes:
    """Return ``queries/<name>.sql`` without its comments; parameters are written ``%(name)s``."""
    lines = (_FOLDER / "queries" / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--")).encode()


@cache
def numbered(name: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the statement with ``$1`` for its first parameter, and their names in order."""
    names: list[str] = []

    def number(found: re.Match[bytes]) -> bytes:
        names.append(found[1].decode())
        return b"$%d" % len(names)

    return re.sub(rb"%\((\w+)\)s", number, statement(name)), tuple(names)


@cache
def migrations() -> dict[int, tuple[str, bytes]]:
    """Return name and text of each ``migrations/NNNN_name.sql`` by its number, ascending."""
    files = sorted((_FOLDER / "migrations").glob("[0-9]*_*.sql"))
    return {int(file.name.partition("_")[0]): (file.stem, file.read_bytes()) for file in files}


@cache
def needed_version() -> int:
    """Return the schema version that this code was written for."""
    files = (_FOLDER / "migrations").glob("[0-9]*_*.sql")
    return max(int(file.name.partition("_")[0]) for file in files)


@cache
def indexes() -> dict[str, str]:
    """Return the statement of each ``indexes/<name>.sql``, which makes the index of that name."""
    files = sorted((_FOLDER / "indexes").glob("*.sql"))
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


def access() -> bytes:
    """Return the text of ``migrations/access.sql``."""
    return (_FOLDER / "migrations" / "access.sql").read_bytes()
