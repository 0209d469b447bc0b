"""JSON as this project reads and writes it: strict, bounded, storable in Postgres.

Postgres refuses some of what JSON can say (NUL, lone surrogates) and some of what Python's
parser makes of it (NaN, Infinity, numbers out of range). All of it is found here, before any
statement is sent, and most bodies are cleared by a few scans of their text without a walk.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final, NoReturn

from control_plane.errors import (
    Fault,
    LimitExceeded,
    MalformedRequest,
    UnstorableValue,
)
from control_plane.limits import Limits

SMALLEST_INTEGER = -(2**63)
LARGEST_INTEGER = 2**64 - 1

# json.dumps would make one anew at each call: a start makes six texts, 1 µs each.
canonical_text: Final[Callable[[Any], str]] = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode
"""The canonical text of a JSON value."""

_UNREAD: Final = object()

_PLAIN = bytes.maketrans(b"{}123456789", b"[]000000000")
_NOT_A_BRACKET = bytes(set(range(256)) - set(b"[]"))


class Json:
    """A JSON value with its one serialisation, made when first asked for and kept.

    The text is canonical (sorted keys, no white space, UTF-8), so that equal values have equal
    texts; Postgres orders the keys of JSONB by itself.
    """

    __slots__ = ("_text", "_value")

    def __init__(self, value: Any, text: str | None = None) -> None:
        """Take a value; with its canonical text, where that is known."""
        self._value = value
        self._text = text

    @classmethod
    def written(cls, text: str) -> Json:
        """Return what a canonical text stands for: many may share it and nobody can change it."""
        return cls(_UNREAD, text)

    @property
    def value(self) -> Any:
        """The value; of what was given as text a new one each time."""
        if self._value is _UNREAD:
            return json.loads(self.text)
        return self._value

    @property
    def text(self) -> str:
        """The canonical JSON text."""
        if self._text is None:
            self._text = canonical_text(self._value)
        return self._text

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
    skeleton = _skeleton(text)
    _check_shape(skeleton, limits)
    is_suspicious = _is_suspicious(text, skeleton)
    try:
        value = (_WARY if is_suspicious else _QUICK).decode(text)
    except json.JSONDecodeError as error:
        raise MalformedRequest(
            f"The request body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    if is_suspicious:
        check_storable(value, "body")
    return value


def check_value(value: Any, limits: Limits) -> None:
    """Hold a value that was parsed elsewhere (a direct invocation) to what `read_json` takes.

    :raises LimitExceeded: size, depth or number of values over the limit
    :raises UnstorableValue: a value that Postgres cannot hold, with its place
    """
    check_storable(value, "body", limits)
    size = len(Json(value).text.encode())
    if size > limits.body_bytes:
        raise LimitExceeded("request in bytes", limits.body_bytes, size)


def check_storable(value: Any, where: str, limits: Limits | None = None) -> None:
    """Refuse what Postgres cannot store, wherever it is inside ``value``.

    :param value: a JSON value: dict, list, str, int, float, bool or None
    :param where: what the value is called in the error
    :param limits: where given, depth and number of values are bounded too
    :raises UnstorableValue: NUL, a lone surrogate, a float that is not finite, an integer
        outside -2^63 to 2^64-1
    """
    seen = 0
    pending: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    while pending:
        item, path = pending.pop()
        seen += 1
        if limits is not None:
            if seen > limits.nodes:
                raise LimitExceeded(f"values in the {where}", limits.nodes)
            if len(path) > limits.depth:
                raise LimitExceeded(f"nesting of the {where}", limits.depth)
        if isinstance(item, str):
            problem = _string_problem(item)
        elif isinstance(item, dict):
            problem = next(
                (f"a key with {what}" for what in map(_string_problem, item) if what), ""
            )
            pending.extend((inner, (*path, key)) for key, inner in item.items())
        elif isinstance(item, list):
            problem = ""
            pending.extend((inner, (*path, index)) for index, inner in enumerate(item))
        else:
            problem = _number_problem(item)
        if problem:
            raise UnstorableValue(
                faults=(Fault(_place(where, path), f"{problem} cannot be stored"),)
            )


def may_be_unstorable(text: str) -> bool:
    """Tell whether canonical text may hold what Postgres cannot store, by two scans.

    Numbers are not looked at: what is rendered has no others than JSON has.
    """
    return "\\u0000" in text or bool(_string_problem(text))


def _skeleton(text: str) -> bytes:
    """Reduce JSON to its structure: ``{"a b": [1.5, true]}`` becomes ``[":[0.0,true]]``.

    Strings become one quote, braces become brackets, digits become 0, white space goes. It costs
    a tenth of parsing, and bounds what parsing would build.
    """
    unescaped = text.replace("\\\\", "").replace('\\"', "")
    return '"'.join(unescaped.split('"')[::2]).encode().translate(_PLAIN, b" \t\r\n")


def _check_shape(skeleton: bytes, limits: Limits) -> None:
    """Bound depth and number of values before anything is built."""
    brackets = skeleton.translate(None, _NOT_A_BRACKET)
    level, rest = 0, brackets
    while rest and level < limits.depth:
        level, rest = level + 1, rest.replace(b"[]", b"")
    if rest:
        depth = max(accumulate(1 if bracket == ord("[") else -1 for bracket in brackets))
        if depth > limits.depth:
            raise LimitExceeded("nesting of the request body", limits.depth, depth)
    # The outermost value, one after each comma, and the first of each list or object.
    filled = skeleton.count(b"[") - skeleton.count(b"[]")
    values = 1 + skeleton.count(b",") + filled
    if values > limits.nodes:
        raise LimitExceeded("values in the request body", limits.nodes, values)


def _is_suspicious(text: str, skeleton: bytes) -> bool:
    """Tell whether a value may be one that cannot be stored, at no more than a few scans."""
    letters = skeleton.count(b"e") + skeleton.count(b"E")
    has_exponent = letters > skeleton.count(b"true") + skeleton.count(b"false")
    return "\\u" in text or has_exponent or b"0" * 19 in skeleton


def _integer(digits: str) -> int:
    # Python refuses to parse more than 4,300 digits, and takes quadratic time below that.
    if len(digits) > 20:
        raise UnstorableValue(faults=(Fault("body", "an integer outside -2^63 to 2^64-1"),))
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise UnstorableValue(faults=(Fault("body", f"{name.lstrip('-')} is not a JSON number"),))


# json.loads would make one anew at each call.
_QUICK = json.JSONDecoder(parse_constant=_refuse_constant)
_WARY = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_integer)


def _string_problem(text: str) -> str:
    if "\0" in text:
        return "a NUL character"
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return "a lone surrogate"
    return ""


def _number_problem(number: object) -> str:
    if isinstance(number, float) and not math.isfinite(number):
        return "a number that is not finite"
    if isinstance(number, int) and not SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
        return "an integer outside -2^63 to 2^64-1"
    return ""


def _place(where: str, path: tuple[str | int, ...]) -> str:
    return where + "".join(
        f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in path
    )


def _printable(key: str) -> str:
    """Return a key as it may stand in a message: short, without what made it unstorable."""
    shown = key if len(key) <= 40 else key[:40] + "…"
    return shown.encode("utf-8", "replace").decode("utf-8").replace("\0", "␀")
