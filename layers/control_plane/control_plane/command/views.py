"""JSON values as templates see them: read-only, without copies, and printed as JSON.

The engine offers every public attribute and method of a Python object to templates, so a plain
``dict`` brings ``{{ d.clear() }}`` and prints a heap address for ``{{ d.get }}``. A view offers
what JSON has and the four methods that templates call on maps, and nothing that changes it.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from control_plane.command.failures import OutOfFuel, RenderingFailed

BYTES_PER_FUEL = 64
"""What one unit of the engine's fuel pays for; Python code on its behalf pays the same."""

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


class Allowance:
    """The fuel that is left for what Python code does on a template's behalf."""

    __slots__ = ("left",)

    def __init__(self, fuel: int) -> None:
        self.left = fuel

    def spend(self, size: int) -> None:
        """Pay for ``size`` bytes that were made or looked at.

        :raises OutOfFuel: there was not that much left
        """
        self.left -= 1 + size // BYTES_PER_FUEL
        if self.left < 0:
            raise OutOfFuel


class View:
    """What maps and lists have in common."""

    __slots__ = ("_allowance", "_value")

    def __init__(self, value: Any, allowance: Allowance) -> None:
        self._value = value
        self._allowance = allowance

    def __len__(self) -> int:
        return len(self._value)

    def __str__(self) -> str:
        # The engine panics when this raises; it asks the allowance afterwards.
        if self._allowance.left < 0:
            return ""
        text = _encode(self._value)
        self._allowance.left -= 1 + len(text) // BYTES_PER_FUEL
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, View):
            return False
        is_same = self._value is other._value
        return is_same or (self._pays(other) and self._value == other._value)

    def __lt__(self, other: View) -> bool:
        return self._pays(other) and _encode(self._value) < _encode(other._value)

    def __gt__(self, other: View) -> bool:
        return self._pays(other) and _encode(self._value) > _encode(other._value)

    __hash__ = None  # type: ignore[assignment]

    def _pays(self, other: View) -> bool:
        """Pay for a comparison; the engine swallows what is raised here."""
        if self._allowance.left >= 0:
            # The quickest measure of a whole value that the standard library has.
            size = min(len(marshal.dumps(self._value)), len(marshal.dumps(other._value)))
            self._allowance.left -= 1 + size // BYTES_PER_FUEL
        return self._allowance.left >= 0


class MapView(View):
    """An object. Null members are absent to the engine: chainable, empty, not defined."""

    __slots__ = ("_absent",)

    def __init__(self, value: dict[str, Any], allowance: Allowance) -> None:
        super().__init__(value, allowance)
        self._absent: object = None

    def __getitem__(self, key: object) -> Any:
        member = self._value.get(key)
        if member is None:
            self._absent = key
            raise KeyError
        return shown(member, self._allowance)

    def __getattr__(self, name: str) -> Any:
        # After a key that is absent the engine asks for an attribute of that name; a method
        # call asks for the attribute alone. Only the latter may find a method.
        if name == self._absent:
            self._absent = None
            raise AttributeError(name)
        if name not in _METHODS:
            raise AttributeError(name)
        return partial(_METHODS[name], self)

    def __iter__(self) -> Iterator[str]:
        self._allowance.spend(BYTES_PER_FUEL // 2 * len(self._value))
        return iter(self._value)


class SequenceView(View):
    """A list. Null items are absent to the engine, as null members are."""

    __slots__ = ()

    def __getitem__(self, index: int) -> Any:
        if not isinstance(index, int):
            raise TypeError
        item = self._value[index]
        if item is None:
            raise IndexError
        return shown(item, self._allowance)


Sequence.register(SequenceView)


def shown(value: Any, allowance: Allowance) -> Any:
    """Return a JSON value as a template may see it."""
    if isinstance(value, dict):
        return MapView(value, allowance)
    if isinstance(value, list):
        return SequenceView(value, allowance)
    return value


def plain(value: Any) -> Any:
    """Return the JSON value behind what a template hands over; what is viewed is not copied."""
    if isinstance(value, View):
        return value._value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {text_of_key(key): plain(member) for key, member in value.items()}
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return None


def as_json(value: Any, allowance: Allowance) -> str:
    """Return the JSON text of what a template hands over, paid for while it grows.

    :raises OutOfFuel: it is longer than the allowance
    :raises RenderingFailed: a number that JSON cannot express
    """
    if isinstance(value, list | tuple):
        return "[" + ", ".join([as_json(item, allowance) for item in value]) + "]"
    if isinstance(value, dict):
        members = [
            f"{_encode(text_of_key(key))}: {as_json(member, allowance)}"
            for key, member in value.items()
        ]
        return "{" + ", ".join(members) + "}"
    try:
        text = _encode(plain(value))
    except ValueError:
        raise RenderingFailed("a number that is not finite has no JSON form") from None
    allowance.spend(len(text))
    return text


def as_text(value: Any, allowance: Allowance) -> str:
    """Return a value as it is printed: null and functions are empty, the rest is JSON or text."""
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or callable(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return as_json(value, allowance)


def text_of_key(key: Any) -> str:
    """Return the key of an object as text, as JSON has it."""
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool):
        return _encode(key)
    return str(key)


def _get(view: MapView, key: Any, default: Any = None) -> Any:
    return shown(view._value.get(key, default), view._allowance)


def _items(view: MapView) -> SequenceView:
    view._allowance.spend(BYTES_PER_FUEL * len(view))
    return SequenceView([list(pair) for pair in view._value.items()], view._allowance)


def _keys(view: MapView) -> SequenceView:
    view._allowance.spend(BYTES_PER_FUEL // 2 * len(view))
    return SequenceView(list(view._value), view._allowance)


def _values(view: MapView) -> SequenceView:
    view._allowance.spend(BYTES_PER_FUEL // 2 * len(view))
    return SequenceView(list(view._value.values()), view._allowance)


_METHODS: dict[str, Callable[..., Any]] = {
    "get": _get,
    "items": _items,
    "keys": _keys,
    "values": _values,
}
