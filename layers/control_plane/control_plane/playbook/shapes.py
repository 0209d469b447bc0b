"""The types of the language's fields, one table for each kind of object.

A field that no table names may hold anything; null equals absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Shape(NamedTuple):
    """What a field may hold."""

    words: str
    types: tuple[type, ...]
    is_required: bool = False

    @property
    def required(self) -> Shape:
        """The same, but the field must be there."""
        return self._replace(is_required=True)


TEXT = Shape("text", (str,))
OBJECT = Shape("an object", (dict,))
LIST = Shape("a list", (list,))
EXPRESSION = Shape("an expression (text)", (str, bool))
TEXT_OR_LIST = Shape("text or a list", (str, list))

PLAYBOOK: Mapping[str, Shape] = {
    "metadata": OBJECT.required,
    "vars": OBJECT,
    "keychain": LIST,
    "workbook": LIST,
    "workflow": LIST.required,
}
METADATA: Mapping[str, Shape] = {"name": TEXT.required, "path": TEXT}
WORKBOOK_TASK: Mapping[str, Shape] = {
    "name": TEXT.required,
    "tool": Shape("a tool (an object) or a list of tasks", (dict, list)).required,
}
STEP: Mapping[str, Shape] = {
    "spec": OBJECT,
    "when": EXPRESSION,
    "args": OBJECT,
    "input": OBJECT,
    "vars": OBJECT,
    "set": OBJECT,
    "loop": OBJECT,
    "tool": Shape("a tool (an object) or a list of tasks", (dict, list)).required,
    "next": Shape("a step name, a list or an object with arcs", (str, list, dict)),
}
LOOP: Mapping[str, Shape] = {
    "in": Shape("an expression, a list or an object", (str, list, dict)),
    "iterator": TEXT.required,
    "cursor": OBJECT,
    "spec": OBJECT,
}
LOOP_SPEC: Mapping[str, Shape] = {"mode": TEXT}
TOOL: Mapping[str, Shape] = {
    "kind": TEXT.required,
    "eval": LIST,
    "code": TEXT,
    "command": TEXT_OR_LIST,
}
EVAL: Mapping[str, Shape] = {"expr": EXPRESSION, "do": TEXT, "else": OBJECT}
EVAL_ELSE: Mapping[str, Shape] = {"do": TEXT}
ROUTER: Mapping[str, Shape] = {"spec": OBJECT, "arcs": LIST}
ROUTER_SPEC: Mapping[str, Shape] = {"mode": TEXT}
ARC: Mapping[str, Shape] = {
    "step": TEXT.required,
    "when": EXPRESSION,
    "args": OBJECT,
    "set": OBJECT,
}

_WORDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "a boolean",
    type(None): "null",
}


def misfits(value: Any, table: Mapping[str, Shape], place: str = "") -> Iterator[str]:
    """Yield what is wrong with the fields of an object, or that it is none.

    :param place: what the object is called in the message, empty for the step itself
    """
    if not isinstance(value, dict):
        yield wrong_type(place, OBJECT.words, value)
        return
    prefix = f"{place}." if place else ""
    for field, shape in table.items():
        content = value.get(field)
        if content is None:
            if shape.is_required:
                yield f"{prefix}{field} is missing"
        elif not isinstance(content, shape.types):
            yield wrong_type(prefix + field, shape.words, content)


def wrong_type(place: str, expected: str, found: Any) -> str:
    """Say what was expected and the type, never the value, of what was found."""
    return f"{place} must be {expected}, found {_WORDS.get(type(found), 'a number')}"
