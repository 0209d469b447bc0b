"""JSON as this project reads and writes it: strict, bounded, storable in Postgres.

Postgres refuses some of what JSON can say (NUL, lone surrogates) and some of what Python's
parser makes of it (NaN, Infinity, numbers out of range). All of it is found here, before any
statement is sent, and most bodies are cleared by two scans of their text without a walk.
"""

from __future__ import annotations

import json
import math
import re
from functools import cached_property
from itertools import accumulate
from typing import Any, NoReturn

from control_plane.errors import (
    Fault,
    InvalidRequest,
    LimitExceeded,
    MalformedRequest,
    UnstorableValue,
)
from control_plane.limits import Limits

SMALLEST_INTEGER = -(2**63)
LARGEST_INTEGER = 2**64 - 1

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS_ONLY = str.maketrans(dict.fromkeys(map(chr, range(128)), None) | {b: b for b in "[]{}"})
_NESTING = {"[": 1, "{": 1, "]": -1, "}": -1}
# An escape may hide NUL or a surrogate, 19 digits or an exponent may be out of range.
_SUSPICIOUS = re.compile(r"\\u|[0-9]{19}|[0-9.][eE]")


class Json:
    """A JSON value with its one serialisation, made when first asked for and kept.

    The text is canonical (sorted keys, no white space, UTF-8), so that equal values have equal
    texts; Postgres orders the keys of JSONB by itself.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    @cached_property
    def text(self) -> str:
        """The canonical JSON text."""
        return json.dumps(
            self.value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Json) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Json({self.value!r})"


def read_json(body: bytes, limits: Limits) -> Any:
    """Parse a request body that Postgres can store and whose size is bounded.

    :param body: the body after base64 decoding, UTF-8
    :raises LimitExceeded: bytes, depth or number of values over the limit
    :raises MalformedRequest: not UTF-8 or not JSON, with the position
    :raises UnstorableValue: a value that Postgres cannot hold, with its place
    """
    if len(body) > limits.body_bytes:
        raise LimitExceeded("request body in bytes", limits.body_bytes, len(body))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest(
            f"The request body is not UTF-8: invalid byte at offset {error.start}"
        ) from None
    if not text.strip(" \t\r\n"):
        raise MalformedRequest("The request body is empty; a JSON object is expected")
    _check_shape(text, limits)
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise MalformedRequest(
            f"The request body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    if _SUSPICIOUS.search(text):
        check_storable(value, "body")
    return value


def check_storable(value: Any, where: str) -> None:
    """Refuse what Postgres cannot store, wherever it is inside ``value``.

    :param value: a JSON value: dict, list, str, int, float, bool or None
    :param where: what the value is called in the error
    :raises UnstorableValue: NUL, a lone surrogate, a float that is not finite, an integer
        outside -2^63 to 2^64-1
    """
    pending: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    while pending:
        item, path = pending.pop()
        if isinstance(item, str):
            if problem := _string_problem(item):
                raise _unstorable(where, path, problem)
        elif isinstance(item, dict):
            for key, inner in item.items():
                if problem := _string_problem(key):
                    raise _unstorable(where, path, f"a key with {problem}")
                pending.append((inner, (*path, key)))
        elif isinstance(item, list):
            pending.extend((inner, (*path, index)) for index, inner in enumerate(item))
        elif isinstance(item, float):
            if not math.isfinite(item):
                raise _unstorable(where, path, "a number that is not finite")
        elif isinstance(item, int) and not SMALLEST_INTEGER <= item <= LARGEST_INTEGER:
            raise _unstorable(where, path, "an integer outside -2^63 to 2^64-1")


def _check_shape(text: str, limits: Limits) -> None:
    """Bound depth and number of values by the text alone, before anything is built."""
    opened = text.count("[") + text.count("{")
    values = opened + text.count(",") + text.count(":") + 1
    if opened <= limits.depth and values <= limits.nodes:
        return
    bare = _STRING.sub("", text)
    # A value follows each comma and each opening bracket; a colon's value is its key's too.
    values = 1 + bare.count(",") + bare.count("[") + bare.count("{")
    if values > limits.nodes:
        raise LimitExceeded("values in the request body", limits.nodes, values)
    brackets = bare.translate(_BRACKETS_ONLY)
    depth = max(accumulate(map(_NESTING.get, brackets)), default=0)  # type: ignore[arg-type]
    if depth > limits.depth:
        raise LimitExceeded("nesting of the request body", limits.depth, depth)


def _integer(digits: str) -> int:
    # Python refuses to parse more than 4,300 digits, and takes quadratic time below that.
    if len(digits) > 20:
        raise UnstorableValue(faults=(Fault("body", "an integer outside -2^63 to 2^64-1"),))
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise UnstorableValue(faults=(Fault("body", f"{name.lstrip('-')} is not a JSON number"),))


def _string_problem(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return "a lone surrogate"
    return None


def _unstorable(where: str, path: tuple[str | int, ...], what: str) -> InvalidRequest:
    place = where + "".join(
        f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in path
    )
    return UnstorableValue(faults=(Fault(place, f"{what} cannot be stored"),))


def _printable(key: str) -> str:
    """A key as it may stand in a message: short, and without what made it unstorable."""
    shown = key if len(key) <= 40 else key[:40] + "…"
    return shown.encode("utf-8", "replace").decode("utf-8").replace("\0", "␀")
