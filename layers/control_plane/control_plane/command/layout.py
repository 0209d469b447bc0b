"""JSON text with holes: what is known is written once, what is not is filled in."""

# No `from __future__ import annotations`: making a record parses each such text.

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from control_plane.json_text import canonical_text

Key = str | int
"""The name of a member: as it is, or the number of the hole that tells it."""
Parts = tuple["str | int | Members", ...]
"""JSON text in order: as it is, the number of a hole, or an object whose names are not known."""


class Members(NamedTuple):
    """An object of which a name stands in a hole: only when filled it is known what it overrides.

    :ivar is_sorted: written in the order of the names, else in that of the members
    """

    members: tuple[tuple[Key, Parts], ...]
    is_sorted: bool


class Layout:
    """Puts parts together, with the names of objects in order or as they were written.

    :param is_sorted: as canonical text has them
    """

    def __init__(self, *, is_sorted: bool) -> None:
        self._is_sorted = is_sorted

    def object(self, members: Sequence[tuple[Key, Parts]]) -> Parts:
        """Return an object; of two members of one name the last one counts."""
        if any(isinstance(key, int) for key, _ in members):
            return (Members(tuple(members), self._is_sorted),)
        named = {str(key): parts for key, parts in members}
        pieces: list[Parts] = [("{",)]
        for key in sorted(named) if self._is_sorted else named:
            comma = "," if len(pieces) > 1 else ""
            pieces += (f"{comma}{canonical_text(key)}:",), named[key]
        return _merged([*pieces, ("}",)])

    def list(self, items: Iterable[Parts]) -> Parts:
        """Return a list."""
        pieces: list[Parts] = [("[",)]
        for item in items:
            pieces += (("," if len(pieces) > 1 else ""),), item
        return _merged([*pieces, ("]",)])


def filled(parts: Parts, holes: Sequence[str]) -> str:
    """Return the JSON text.

    :param holes: by number: the JSON text of a value, or the name of a member as it is
    """
    return "".join(
        part
        if isinstance(part, str)
        else (holes[part] if isinstance(part, int) else _object(part, holes))
        for part in parts
    )


def weight(parts: Parts) -> int:
    """Return about how many bytes parts take, holes not counted."""
    return sum(_weights(parts))


def _weights(parts: Parts) -> Iterator[int]:
    for part in parts:
        if isinstance(part, str):
            yield sys.getsizeof(part)
        elif isinstance(part, Members):
            for key, inner in part.members:
                yield sys.getsizeof(key)
                yield weight(inner)


def _object(part: Members, holes: Sequence[str]) -> str:
    named = {
        holes[key] if isinstance(key, int) else key: filled(parts, holes)
        for key, parts in part.members
    }
    members = sorted(named.items()) if part.is_sorted else named.items()
    return "{" + ",".join(f"{canonical_text(key)}:{text}" for key, text in members) + "}"


def _merged(pieces: Iterable[Parts]) -> Parts:
    """Return all parts in one, texts beside each other as one text."""
    merged: list[str | int | Members] = []
    known: list[str] = []
    for part in (part for piece in pieces for part in piece):
        if isinstance(part, str):
            known.append(part)
        else:
            merged += "".join(known), part
            known.clear()
    return (*merged, "".join(known))
