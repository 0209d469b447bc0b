"""What becomes of a message that can never start: a copy of it, with the reason, in another queue.

SQS itself moves a message there only after it has failed as often as the queue says, and never says
why. The copy is a new message with a new id, so where the original was known by its id, the copy is
told: put back into the queue, it is the same start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any, Protocol

from control_plane.errors import RequestError
from control_plane.triggers.messages import CATALOG_ID, KEY, PATH, POOL, Message

ERROR = "noetl-error"
REASON = "noetl-reason"
STARTS = "noetl-start-keys"
"""Attributes that the copy has in addition: the class of the error, its message, stored keys."""

MOST_ATTRIBUTES = 10
MOST_BYTES = 1024 * 1024
"""What SQS takes: attributes, and bytes of a message with them."""
LONGEST_TEXT = 1000
"""Characters of what we say in one attribute."""

_FIRST = (KEY, ERROR, REASON, PATH, CATALOG_ID, POOL, STARTS)
# What SQS does not take in a text.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A copy of a message.

    :ivar attributes: in the words of an SQS event: ``{name: {dataType, stringValue, …}}``
    :ivar left_out: names of the attributes for which SQS has no room
    """

    id: str
    body: str
    attributes: dict[str, dict[str, Any]]
    group: str | None
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """What it counts for SQS, in bytes."""
        return _bytes(self.body) + sum(starmap(_attribute_size, self.attributes.items()))


class DeadLetterQueue(Protocol):
    """Where copies of messages that can never start are kept."""

    def send(self, letters: Sequence[DeadLetter]) -> list[str | None]:
        """Keep them; tell for each why it could not be kept, None where it is."""
        ...


def dead_letter(message: Message, error: RequestError) -> DeadLetter:
    """Return the copy of a message; whatever of the attributes has room, ours first."""
    added = {ERROR: type(error).__name__, REASON: error.message, STARTS: " ".join(_keys(message))}
    if message.needs_id and KEY not in message.attributes:
        added[KEY] = message.id
    wanted = dict(message.attributes) | {
        name: {"dataType": "String", "stringValue": _shown(text)}
        for name, text in added.items()
        if text
    }
    room = MOST_BYTES - _bytes(message.body)
    kept: dict[str, dict[str, Any]] = {}
    for name in sorted(wanted, key=_rank):
        size = _attribute_size(name, wanted[name])
        if len(kept) < MOST_ATTRIBUTES and size <= room:
            kept[name] = wanted[name]
            room -= size
    left_out = tuple(name for name in wanted if name not in kept)
    return DeadLetter(message.id, message.body, kept, message.group, left_out)


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _keys(message: Message) -> Iterator[str]:
    for item in message.items:
        if not isinstance(item, RequestError):
            yield item.caller.stored_key(item.key)


def _shown(text: str) -> str:
    shown = _FORBIDDEN.sub("�", text)
    return shown if len(shown) <= LONGEST_TEXT else shown[: LONGEST_TEXT - 1] + "…"


def _attribute_size(name: str, attribute: dict[str, Any]) -> int:
    value = attribute.get("stringValue") or attribute.get("binaryValue") or ""
    return _bytes(name) + _bytes(attribute["dataType"]) + _bytes(value)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
