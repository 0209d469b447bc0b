"""A step as far as it is known before there is a request: done once per playbook.

What is no template is converted and written as JSON here, so that a start renders the templates
and puts their texts between the rest.
"""

# No `from __future__ import annotations`: making a record parses each such text.

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from control_plane.command.conversion import text_to_value
from control_plane.command.failures import OutputTooLong, RenderingFailed
from control_plane.command.layout import Key, Parts, filled, list_of, object_of, weight
from control_plane.command.syntax import is_template
from control_plane.command.templating import Renderer, names_root
from control_plane.errors import LimitExceeded, TemplateError
from control_plane.json_text import Json, canonical_text, check_storable, may_be_unstorable
from control_plane.playbook.model import Step, Task, Tool

PIPELINE_KIND = "task_sequence"
SECRETS = "keychain"
"""A template that mentions it is left to the workers: no secret is ever rendered into a row."""
ARGUMENTS = ("args", "input")
"""Two names of one field; the first one wins."""
LONGEST_NAME = 60
"""Characters of a field's name in a message."""
DEFERRED = frozenset(("command", "set", "spec"))
"""Fields of a pipeline's task that are left as written, as are its arguments."""
BYTES_PER_HOLE = 200
"""About what a hole takes in memory, with its place, beside the text around it."""
BYTES_PER_STEP = 300
"""About what a step takes that has no more than its name, with its place among those kept."""

Place = str | tuple["Place", str | int]
"""Where a value stands: in what, and under which name or index; a path only when it is told."""


class Hole(NamedTuple):
    """A text that a start has to look at.

    :ivar is_key: it is the name of a member, and stays text
    :ivar may_wait: left as it is when it names what the context does not hold
    :ivar is_plain: no template, but JSON that is nested too deep: refused when its turn comes
    """

    source: str
    place: Place
    is_key: bool = False
    may_wait: bool = False
    is_plain: bool = False


class CompiledStep:
    """A step that waits for its request; never changed, and nothing it hands out changes it.

    :ivar args: the step's arguments as written
    :ivar known: the whole tool, where it is the same for each request
    :ivar weight: about how many bytes it takes
    :raises UnstorableValue: arguments that Postgres cannot hold
    """

    def __init__(self, step: Step, depth: int) -> None:
        args = dict(step.args)
        check_storable(args, f"step '{step.name}', args")
        self._step = step
        self.name = step.name
        self.tool_kind = step.tool.kind if isinstance(step.tool, Tool) else PIPELINE_KIND
        self.args = Json.written(canonical_text(args))
        plan = _Plan(step.tool, depth)
        self._parts, self._holes = plan.parts, tuple(plan.holes)
        written = weight((self.args.text, *self._parts))
        self.weight = BYTES_PER_STEP + BYTES_PER_HOLE * len(self._holes) + written
        text = "" if self._holes else filled(self._parts, ())
        self.known = Json.written(text) if text and not may_be_unstorable(text) else None

    @cached_property
    def names_execution(self) -> bool:
        """Whether a template names the execution's id."""
        return any(
            names_root(hole.source, "execution_id") for hole in self._holes if not hole.is_plain
        )

    def tool_config(self, renderer: Renderer) -> Json:
        """Return the tool, rendered: an object, or for a pipeline the list of its tasks.

        :raises TemplateError: a template does not render, with step, field and reason
        :raises UnstorableValue: a value that Postgres cannot hold, with step and field
        :raises LimitExceeded: a rendered string is too long, or all together, or nested too deep
        """
        texts = [self._text(hole, renderer) for hole in self._holes]
        text = filled(self._parts, texts)
        if may_be_unstorable(text):
            self._check_storable(json.loads(text))
        return Json.written(text)

    def _text(self, hole: Hole, renderer: Renderer) -> str:
        source, place, is_key, may_wait, is_plain = hole
        if is_plain:
            return canonical_text(renderer.converted(source))
        if may_wait and renderer.lacks_names(source):
            return source if is_key else canonical_text(source)
        try:
            return renderer.text(source) if is_key else canonical_text(renderer.value(source))
        except RenderingFailed as failure:
            raise TemplateError(self.name, _path(place), failure.reason) from None
        except OutputTooLong as failure:
            what = f"rendered string of step '{self.name}', field '{_path(place)}', in bytes"
            raise LimitExceeded(what, renderer.longest, failure.size) from None

    def _check_storable(self, config: Any) -> None:
        tool = self._step.tool
        if isinstance(tool, Tool):
            check_storable(config, f"step '{self.name}', tool")
            return
        for task, rendered in zip(tool, config, strict=True):
            where = f"step '{self.name}', tool[{_short(task.label)}]"
            check_storable(rendered[task.label], where)


class _Plan:
    """Goes through a tool in the order in which it is rendered, and writes what is known.

    The value of a member comes before its name, if both are templates.
    """

    def __init__(self, tool: Tool | tuple[Task, ...], depth: int) -> None:
        self.holes: list[Hole] = []
        self._depth = depth
        self._is_pipeline = not isinstance(tool, Tool)
        if isinstance(tool, Tool):
            self.parts = object_of(list(self._members(tool, "tool")))
        else:
            self.parts = list_of([self._task(task) for task in tool])

    def _task(self, task: Task) -> Parts:
        kind: tuple[Key, Parts] = ("kind", (canonical_text(task.tool.kind),))
        members = self._members(task.tool, f"tool[{_short(task.label)}]")
        return object_of([(task.label, object_of([*members, kind]))])

    def _members(self, tool: Tool, place: str) -> Iterator[tuple[Key, Parts]]:
        """Yield the fields; arguments have one name, which pipelines call ``input``."""
        for name, value in _given_fields(tool):
            field = (place, name)
            if name in ARGUMENTS and not self._is_pipeline:
                yield ARGUMENTS[0], self._value(value, field)
            elif self._is_pipeline and (name in ARGUMENTS or name in DEFERRED):
                yield "input" if name in ARGUMENTS else name, (canonical_text(value),)
            else:
                parts = self._value(value, field)
                yield self._key(name, field), parts

    def _value(self, value: Any, place: Place) -> Parts:
        if isinstance(value, str):
            return self._string(value, place)
        if isinstance(value, dict):
            members: list[tuple[Key, Parts]] = []
            for key, member in value.items():
                field = (place, key)
                parts = self._value(member, field)
                members.append((self._key(key, field), parts))
            return object_of(members)
        if isinstance(value, list):
            return list_of([self._value(item, (place, at)) for at, item in enumerate(value)])
        return (canonical_text(value),)

    def _string(self, text: str, place: Place) -> Parts:
        if is_template(text):
            if SECRETS in text:
                return (canonical_text(text),)
            return (self._hole(Hole(text, place, may_wait=self._is_pipeline)),)
        try:
            return (canonical_text(text_to_value(text, self._depth)),)
        except LimitExceeded:
            return (self._hole(Hole(text, place, is_plain=True)),)

    def _key(self, key: str, place: Place) -> Key:
        if not is_template(key) or SECRETS in key:
            return key
        return self._hole(Hole(key, place, is_key=True, may_wait=self._is_pipeline))

    def _hole(self, hole: Hole) -> int:
        self.holes.append(hole)
        return len(self.holes) - 1


def _given_fields(tool: Tool) -> list[tuple[str, Any]]:
    """Return the fields that are not null, and of two that mean the same the first one."""
    given = {name: value for name, value in tool.config.items() if value is not None}
    winner, loser = ARGUMENTS
    if winner in given:
        given.pop(loser, None)
    return list(given.items())


def _path(place: Place) -> str:
    if isinstance(place, str):
        return place
    outer, key = place
    return _path(outer) + (f"[{key}]" if isinstance(key, int) else f".{_short(key)}")


def _short(name: str) -> str:
    """Return a name as it may stand in a message."""
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
