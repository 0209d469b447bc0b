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
    """An object of which a name stands in a hole: what it overrides is known when it is filled."""

    members: tuple[tuple[Key, Parts], ...]


def object_of(members: Sequence[tuple[Key, Parts]]) -> Parts:
    """Return an object; of two members of one name the last one counts."""
    if any(isinstance(key, int) for key, _ in members):
        return (Members(tuple(members)),)
    named = {str(key): parts for key, parts in members}
    pieces: list[Parts] = [("{",)]
    for key in sorted(named):
        comma = "," if len(pieces) > 1 else ""
        pieces += (f"{comma}{canonical_text(key)}:",), named[key]
    return _merged([*pieces, ("}",)])


def list_of(items: Iterable[Parts]) -> Parts:
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
    yield sys.getsizeof(parts)
    for part in parts:
        if isinstance(part, str):
            yield sys.getsizeof(part)
        elif isinstance(part, Members):
            yield sys.getsizeof(part) + sys.getsizeof(part.members)
            for member in part.members:
                key, inner = member
                yield sys.getsizeof(member) + sys.getsizeof(key) + weight(inner)


def _object(part: Members, holes: Sequence[str]) -> str:
    named = {
        holes[key] if isinstance(key, int) else key: filled(parts, holes)
        for key, parts in part.members
    }
    members = (f"{canonical_text(key)}:{named[key]}" for key in sorted(named))
    return "{" + ",".join(members) + "}"


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
