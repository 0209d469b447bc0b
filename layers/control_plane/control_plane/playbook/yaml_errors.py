"""How the YAML reader refuses: what is wrong, with line and column, both from 1."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import yaml

from control_plane.errors import Fault, InvalidPlaybook, PlaybookSyntaxError, UnstorableValue

LINE_BREAKS: Final = "\n\r\x85\u2028\u2029"


def position(text: str, index: int) -> tuple[int, int]:
    """Return line and column of a character, both from 1; lines break where the parser's do."""
    before = text[:index].replace("\r\n", "\n")
    line = 1 + sum(map(before.count, LINE_BREAKS))
    return line, len(before) - max(map(before.rfind, LINE_BREAKS))


def start_of(event: Any) -> tuple[int, int]:
    """Return line and column of an event's first character, both from 1."""
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def parser_error(error: yaml.MarkedYAMLError) -> PlaybookSyntaxError | UnstorableValue:
    """Say what the parser says; its messages are fixed sentences that repeat no input."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = error.problem or "it cannot be parsed"
    if "Unicode character escape" in problem:
        fault = Fault(_place(line, column), "an escape that is no character cannot be stored")
        return UnstorableValue(faults=(fault,))
    what = f"{problem} {error.context}" if error.context else problem
    return PlaybookSyntaxError(what, line, column)


def _place(line: int, column: int) -> str:
    return f"line {line}, column {column}"


def refuse(what: str, line: int, column: int) -> NoReturn:
    """Refuse what is YAML but no playbook."""
    place = _place(line, column)
    raise InvalidPlaybook(f"Playbook is not valid: {what} ({place})", (Fault(place, what),))


def cannot_store(what: str, line: int, column: int) -> NoReturn:
    """Refuse a value that Postgres cannot hold."""
    raise UnstorableValue(faults=(Fault(_place(line, column), f"{what} cannot be stored"),))
