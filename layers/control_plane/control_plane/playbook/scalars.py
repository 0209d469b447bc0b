"""Plain scalars by the YAML 1.2 core schema, as the reference server reads them.

The reference is ``serde_yaml`` 0.9: beyond the core schema it knows ``0b`` and signed ``0x``, and
what no finite number can hold (``123e4567``) stays text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from control_plane.json_text import LARGEST_INTEGER, SMALLEST_INTEGER

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_INFINITE = frozenset(sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF"))
_NOT_A_NUMBER = frozenset((".nan", ".NaN", ".NAN"))
_NUMBER_STARTS = frozenset("0123456789+-.")
_NUMBER = re.compile(
    r"""[-+]? (?:
        (?P<radix> 0x[0-9a-fA-F]++ | 0o[0-7]++ | 0b[01]++ )
        | (?P<text> 0[0-9]++ )
        | (?P<integer> [0-9]++ )
        | (?P<float> (?: [0-9]++ (?:\.[0-9]*+)? | \.[0-9]++ ) (?: [eE][-+]?[0-9]++ )? )
    )""",
    re.VERBOSE,
)


def resolve(text: str) -> str | int | float | bool | None:
    """Return what a plain scalar means; ``.inf`` and ``.nan`` are the floats they say."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    found = _NUMBER.fullmatch(text)
    return _READERS[found.lastgroup](text) if found else _not_finite(text)


def _integer(text: str) -> int | float | str:
    # Python refuses to parse thousands of digits; a float takes them all.
    return _within_64_bits(int(text), text) if len(text) <= 21 else _finite(text)


def _within_64_bits(number: int, text: str) -> int | float | str:
    if SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
        return number
    try:
        return float(number)
    except OverflowError:
        return text


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _not_finite(text: str) -> float | str:
    if text in _INFINITE:
        return -math.inf if text[0] == "-" else math.inf
    return math.nan if text in _NOT_A_NUMBER else text


_READERS: dict[str | None, Callable[[str], str | int | float]] = {
    "radix": lambda text: _within_64_bits(int(text, 0), text),
    "text": str,
    "integer": _integer,
    "float": _finite,
}
