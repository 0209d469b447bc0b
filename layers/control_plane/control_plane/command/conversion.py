"""From rendered text to the value that it spells, by the rules of the reference server."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from control_plane.errors import LimitExceeded

# Rust's idea of white space; Python's `strip` would take four control characters more.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_WORDS = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "": None,
    "null": None,
    "None": None,
}
_INTEGER = re.compile(r"[+-]?[0-9]+")
# Each digit can match in one place only, or a long text of digits takes quadratic time.
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**63 - 1
_LARGEST_JSON_INTEGER = 2**64 - 1
_LONGEST_INTEGER = 30
"""Digits beyond which an integer is not parsed as one: Python takes quadratic time, or refuses."""


def text_to_value(text: str, depth: int) -> Any:
    """Return the value that a text spells, or the text as it is.

    :param depth: how deep objects and lists may be nested in a text that is JSON
    :raises LimitExceeded: JSON that is nested deeper
    """
    trimmed = text.strip(_WHITE_SPACE)
    if trimmed in _WORDS:
        return _WORDS[trimmed]
    first, last = trimmed[0], trimmed[-1]
    if (first == "{" and last == "}") or (first == "[" and last == "]"):
        try:
            return parse_json(trimmed, depth)
        except ValueError:
            return text
    if first in "+-.0123456789":
        number = _number(trimmed)
        return text if number is None else number
    return text


def parse_json(text: str, depth: int) -> Any:
    """Parse JSON strictly: no NaN, no infinity, integers beyond 64 bits become floats.

    :raises ValueError: it is not JSON
    :raises LimitExceeded: it is nested deeper than ``depth``
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=_json_integer,
            parse_float=_finite_float,
        )
    except RecursionError:
        raise LimitExceeded("nesting of a rendered value", depth) from None
    if text.count("[") + text.count("{") > depth:
        _check_depth(value, depth)
    return value


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text) and len(text) <= _LONGEST_INTEGER:
        integer = int(text)
        if _SMALLEST_INTEGER <= integer <= _LARGEST_INTEGER:
            return integer
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else None
    return None


def _json_integer(digits: str) -> int | float:
    if len(digits) <= _LONGEST_INTEGER:
        integer = int(digits)
        if _SMALLEST_INTEGER <= integer <= _LARGEST_JSON_INTEGER:
            return integer
    return _finite_float(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: Any, depth: int) -> None:
    level = [value]
    for _ in range(depth + 1):
        inner = [item for item in level if isinstance(item, dict | list)]
        if not inner:
            return
        level = [
            member
            for item in inner
            for member in (item.values() if isinstance(item, dict) else item)
        ]
    raise LimitExceeded("nesting of a rendered value", depth)
