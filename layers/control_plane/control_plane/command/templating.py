"""Renders the strings of a playbook: ``"https://{{ host }}/"`` and what becomes of the result."""

from __future__ import annotations

from typing import Any

from control_plane.command.context import holds
from control_plane.command.conversion import text_to_value
from control_plane.command.engine import Budget, Engine
from control_plane.command.syntax import is_template
from control_plane.errors import LimitExceeded
from control_plane.limits import Limits

ISOLATED_SECONDS = 2.0
"""Of one command; templates that need a process of their own usually take milliseconds."""

_ENGINE = Engine()


def check_template(text: str) -> str | None:
    """Return why a text does not parse as a template; None if it does, or is none."""
    return _ENGINE.check(text) if is_template(text) else None


def names_root(text: str, root: str) -> bool:
    """Tell whether a template names this variable of the context."""
    return root in _ENGINE.syntax(text).names


class Renderer:
    """Renders the templates of one command, which share one budget.

    :param names: what templates see; never changed, and copied nowhere
    :param is_brief: whether templates that take long are left for later
    """

    def __init__(self, names: dict[str, Any], limits: Limits, *, is_brief: bool = False) -> None:
        self._names = names
        self._limits = limits
        self._budget = Budget(limits.template_fuel, ISOLATED_SECONDS, is_brief=is_brief)
        self._rendered = 0

    @property
    def longest(self) -> int:
        """Bytes of one rendered string."""
        return self._limits.string_bytes

    def text(self, source: str) -> str:
        """Render a template to text.

        :raises RenderingFailed: it does not parse or render, or exceeds the command's budget
        :raises OutputTooLong: longer than one rendered string may be
        :raises TakesLong: it is to be left for later
        :raises LimitExceeded: all that the command rendered is larger than its context may be
        """
        text = _ENGINE.render(source, self._names, self._budget, self._limits.string_bytes)
        self._rendered += len(text)
        if self._rendered > self._limits.context_bytes:
            raise LimitExceeded(
                "rendered templates of a command in bytes", self._limits.context_bytes
            )
        return text

    def value(self, source: str) -> Any:
        """Render a template, and read the result as the value that it spells.

        Objects and lists print as JSON, so that a lone ``{{ expression }}`` gives back the value
        as it is; a text that merely looks like JSON stays one.

        :raises LimitExceeded: a value nested too deep, and as `text`
        """
        return self.converted(self.text(source))

    def converted(self, text: str) -> Any:
        """Read a text that is no template as the value that it spells."""
        return text_to_value(text, self._limits.depth)

    def lacks_names(self, source: str) -> bool:
        """Tell whether the template names a variable that does not exist (yet)."""
        return any(not holds(self._names, path) for path in _ENGINE.syntax(source).paths)
