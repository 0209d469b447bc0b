"""The filters, tests and functions that templates have beyond the engine's own.

Undefined reaches them as None. What they return is JSON, shown read-only; whatever grows is paid
for out of the template's allowance.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from control_plane.command.conversion import parse_json
from control_plane.command.failures import RenderingFailed
from control_plane.command.views import (
    BYTES_PER_FUEL,
    Allowance,
    MapView,
    View,
    as_json,
    as_text,
    plain,
    shown,
)
from control_plane.errors import LimitExceeded

WIDEST_INDENT = 16
LONGEST_RANGE = 100_000
DEEPEST_JSON = 200

_LONGEST_NAME = 200
_MACRO_MEMBERS = frozenset(("name", "arguments", "caller"))


class Filters:
    """Python code that the engine calls.

    :ivar allowance: of the template that is being rendered
    :ivar function_texts: what the engine's own functions look like when they are printed
    :ivar macros: names of the template's macros
    """

    def __init__(self) -> None:
        self.allowance = Allowance(0)
        self.function_texts: frozenset[str] = frozenset()
        self.macros: frozenset[str] = frozenset()

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "b64decode": self.b64decode,
            "b64encode": self.b64encode,
            "count": self.length,
            "d": self.default,
            "default": self.default,
            "fromjson": self.fromjson,
            "get": self.get,
            "join": self.join,
            "keys": self.keys,
            "length": self.length,
            "safe": self.safe,
            "split": self.split,
            "string": self.string,
            "tojson": self.tojson,
            "values": self.values,
        }

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return the tests by name."""
        return {
            "defined": lambda value: value is not None,
            "undefined": lambda value: value is None,
            "none": lambda value: value is None,
        }

    def printed(self, value: Any) -> Any:
        """Return what ``{{ value }}`` prints, or NotImplemented to let the engine print it."""
        if type(value) is int:
            return NotImplemented
        if isinstance(value, str):
            # The engine's own functions come here as the names of their Rust code.
            is_function = len(value) <= _LONGEST_NAME and value in self.function_texts
            return "" if is_function else NotImplemented
        if self.macros and isinstance(value, dict) and value.keys() == _MACRO_MEMBERS:
            return "" if value["name"] in self.macros else NotImplemented
        return as_text(value, self.allowance)

    def b64encode(self, value: Any) -> str:
        """Return the text's UTF-8 in base64."""
        data = self._text(value).encode("utf-8", "surrogatepass")
        return base64.b64encode(data).decode("ascii")

    def b64decode(self, value: Any) -> str:
        """Return the UTF-8 text behind base64."""
        try:
            return base64.b64decode(self._text(value), validate=True).decode("utf-8")
        except ValueError:
            raise RenderingFailed("b64decode: not the base64 of UTF-8 text") from None

    def tojson(self, value: Any, indent: Any = None) -> str:
        """Return the value's JSON text, indented by a number of spaces or by two for true."""
        text = as_json(value, self.allowance)
        if indent is None or indent is False:
            return text
        width = 2 if indent is True else indent
        if not isinstance(width, int) or not 0 <= width <= WIDEST_INDENT:
            raise RenderingFailed(f"tojson: the indent is a number from 0 to {WIDEST_INDENT}")
        # Indentation multiplies the text by its depth: pay for that before it is made.
        self.allowance.spend(len(text) * width)
        indented = json.dumps(json.loads(text), indent=width, ensure_ascii=False)
        self.allowance.spend(len(indented))
        return indented

    def fromjson(self, value: Any) -> Any:
        """Return the value of a JSON text."""
        text = self._text(value)
        try:
            return shown(parse_json(text, DEEPEST_JSON), self.allowance)
        except ValueError:
            raise RenderingFailed("fromjson: not JSON") from None
        except LimitExceeded:
            raise RenderingFailed(f"fromjson: nested deeper than {DEEPEST_JSON}") from None

    def default(self, value: Any, default_value: Any = "", boolean: Any = False) -> Any:
        """Return the default for what is undefined or null, and if asked for what is falsy."""
        if value is None or (boolean and not value):
            return self._returned(default_value)
        return self._returned(value)

    def string(self, value: Any) -> str:
        """Return the value as it is printed."""
        return as_text(value, self.allowance)

    def split(self, value: Any, sep: Any = None, maxsplit: Any = None) -> Any:
        """Split a text at the separator, or at white space."""
        text = self._text(value)
        separator = None if sep is None else as_text(sep, self.allowance)
        if separator == "":
            raise RenderingFailed("split: the separator is empty")
        pieces = text.count(separator) if separator else len(text) // 2
        self.allowance.spend(BYTES_PER_FUEL * pieces)
        return shown(text.split(separator, -1 if maxsplit is None else maxsplit), self.allowance)

    def join(self, value: Any, d: Any = "", attribute: Any = None) -> str:
        """Join the items of a list, or one attribute of each, as they are printed."""
        separator = as_text(d, self.allowance)
        items = self._items(value, "join")
        if attribute is not None:
            items = [_member(item, str(attribute)) for item in items]
        parts = []
        for item in items:
            part = as_text(_shown_raw(item, self.allowance), self.allowance)
            self.allowance.spend(len(part) + len(separator))
            parts.append(part)
        return separator.join(parts)

    def length(self, value: Any) -> int:
        """Return the number of characters, items or members; 0 for undefined."""
        if value is None:
            return 0
        if isinstance(value, str | list | tuple | dict | View):
            return len(value)
        raise RenderingFailed("length: neither a text nor a list nor an object")

    def keys(self, value: Any) -> Any:
        """Return the keys of an object as a list."""
        return shown(list(self._object(value, "keys")), self.allowance)

    def values(self, value: Any) -> Any:
        """Return the values of an object as a list."""
        return shown(list(self._object(value, "values").values()), self.allowance)

    def get(self, value: Any, key: Any, default: Any = None) -> Any:
        """Return the member of an object or the item of a list, else the default."""
        inner = plain(value)
        try:
            found = inner[key] if isinstance(inner, dict | list) else None
        except (KeyError, IndexError, TypeError):
            found = None
        return self._returned(default if found is None else found)

    def safe(self, value: Any) -> Any:
        """Return the value: nothing is ever escaped here."""
        return self._returned(value)

    def range(self, lower: int, upper: int | None = None, step: int | None = None) -> Any:
        """Return the integers from lower up to upper."""
        numbers = range(lower) if upper is None else range(lower, upper, step or 1)
        if step == 0:
            raise RenderingFailed("range: the step is 0")
        # Not len(): it overflows where the range does not fit the machine.
        if numbers[LONGEST_RANGE : LONGEST_RANGE + 1]:
            raise RenderingFailed(f"range: more than {LONGEST_RANGE} numbers")
        self.allowance.spend(len(numbers) * BYTES_PER_FUEL // 8)
        return shown(list(numbers), self.allowance)

    def _returned(self, value: Any) -> Any:
        """Return a value that came from the engine, its own lists and objects made read-only."""
        return value if isinstance(value, View) else shown(plain(value), self.allowance)

    def _text(self, value: Any) -> str:
        text = as_text(value, self.allowance)
        self.allowance.spend(len(text))
        return text

    def _items(self, value: Any, name: str) -> list[Any]:
        inner = plain(value)
        if inner is None:
            return []
        if isinstance(inner, dict | list | str):
            self.allowance.spend(len(inner))
            return list(inner)
        raise RenderingFailed(f"{name}: not a list")

    def _object(self, value: Any, name: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict | MapView):
            raise RenderingFailed(f"{name}: not an object")
        self.allowance.spend(len(value) * BYTES_PER_FUEL // 8)
        inner: dict[str, Any] = plain(value)
        return inner


def _shown_raw(value: Any, allowance: Allowance) -> Any:
    return value if isinstance(value, View) else shown(value, allowance)


def _member(item: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(item, dict):
            item = item.get(key)
        elif isinstance(item, list) and key.isdecimal() and int(key) < len(item):
            item = item[int(key)]
        else:
            return None
    return item
