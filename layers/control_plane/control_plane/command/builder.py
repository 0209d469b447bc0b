"""Puts together the command that a worker runs for a step."""

from __future__ import annotations

from typing import Any, NamedTuple

from control_plane.command.context import rendering_names
from control_plane.command.failures import OutputTooLong, RenderingFailed
from control_plane.command.syntax import is_template
from control_plane.command.templating import Renderer
from control_plane.errors import Fault, InvalidPlaybook, LimitExceeded, TemplateError
from control_plane.json_text import Json, check_storable
from control_plane.limits import Limits
from control_plane.playbook.model import Playbook, Step, Task, Tool

PIPELINE_KIND = "task_sequence"
SECRETS = "keychain"
"""A template that mentions it is left to the workers: no secret is ever rendered into a row."""
ARGUMENTS = ("args", "input")
"""Two names of one field; the first one wins."""
LONGEST_NAME = 60
"""Characters of a field's name in a message."""
DEFERRED = frozenset(("command", "set", "spec"))
"""Fields of a pipeline's task that are left as written, as are its arguments."""


class Command(NamedTuple):
    """One step's work for a worker.

    ``tool_config`` is the rendered tool: an object, or for a pipeline the list of its tasks, each
    ``{label: {kind, …}}``. ``args`` are the step's arguments as written.
    """

    step: str
    tool_kind: str
    tool_config: Json
    args: Json


def build_command(  # noqa: PLR0913, PLR0917 - what a command is made of
    playbook: Playbook,
    step: str,
    workload: Json,
    execution_id: int,
    catalog_id: int,
    limits: Limits,
) -> Command:
    """Render a step's tool into a command.

    :param workload: the playbook's workload overridden by the payload
    :raises InvalidPlaybook: the step does not exist, or has a loop
    :raises TemplateError: a template does not render, with step, field and reason
    :raises UnstorableValue: a value that Postgres cannot hold, with step and field
    :raises LimitExceeded: a rendered string, or the command's context, is too large
    """
    definition = _startable_step(playbook, step)
    renderer = Renderer(rendering_names(workload, execution_id, catalog_id), limits)
    args = Json(dict(definition.args))
    check_storable(args.value, f"step '{step}', args")
    if isinstance(definition.tool, Tool):
        kind = definition.tool.kind
        config: Any = _ToolRendering(step, renderer).tool(definition.tool)
        check_storable(config, f"step '{step}', tool")
    else:
        kind = PIPELINE_KIND
        rendering = _TaskRendering(step, renderer)
        config = [rendering.task(task) for task in definition.tool]
        for task, rendered in zip(definition.tool, config, strict=True):
            check_storable(rendered[task.label], f"step '{step}', tool[{_short(task.label)}]")
    command = Command(step, kind, Json(config), args)
    _check_size(command, workload, limits)
    return command


def _startable_step(playbook: Playbook, name: str) -> Step:
    step = playbook.steps.get(name)
    if step is None:
        raise InvalidPlaybook(f"Step '{name}' not found")
    if step.loop is not None:
        what = "an execution cannot start with a loop: put it in a second step"
        raise InvalidPlaybook(
            f"Step '{name}' has a loop; {what}", faults=(Fault(f"step '{name}', loop", what),)
        )
    return step


def _check_size(command: Command, workload: Json, limits: Limits) -> None:
    # The context holds the workload twice: flat, and under its name.
    texts = (command.tool_config.text, command.args.text, workload.text, workload.text)
    size = sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
    if size > limits.context_bytes:
        raise LimitExceeded(
            f"context of the command of step '{command.step}' in bytes", limits.context_bytes, size
        )


class _ToolRendering:
    """Renders the fields of a tool, and knows where it is when something goes wrong."""

    def __init__(self, step: str, renderer: Renderer) -> None:
        self._step = step
        self._renderer = renderer

    def tool(self, tool: Tool) -> dict[str, Any]:
        """Return the tool's fields, rendered; ``input`` becomes ``args``."""
        config: dict[str, Any] = {}
        for name, value in _given_fields(tool):
            path = f"tool.{_short(name)}"
            if name in ARGUMENTS:
                config["args"] = self._value(value, path)
            else:
                config[self._key(name, path)] = self._value(value, path)
        return config

    def _value(self, value: Any, field: str) -> Any:
        if isinstance(value, str):
            if not is_template(value):
                return self._renderer.converted(value)
            return value if self._is_left(value) else self._rendered(value, field, as_value=True)
        if isinstance(value, dict):
            rendered = {}
            for key, member in value.items():
                path = f"{field}.{_short(key)}"
                rendered[self._key(key, path)] = self._value(member, path)
            return rendered
        if isinstance(value, list):
            return [self._value(item, f"{field}[{index}]") for index, item in enumerate(value)]
        return value

    def _key(self, key: str, field: str) -> str:
        if not is_template(key) or self._is_left(key):
            return key
        return str(self._rendered(key, field, as_value=False))

    def _rendered(self, source: str, field: str, *, as_value: bool) -> Any:
        try:
            return self._renderer.value(source) if as_value else self._renderer.text(source)
        except RenderingFailed as failure:
            raise TemplateError(self._step, field, failure.reason) from None
        except OutputTooLong as failure:
            what = f"rendered string of step '{self._step}', field '{field}', in bytes"
            raise LimitExceeded(what, self._renderer.longest, failure.size) from None

    def _is_left(self, template: str) -> bool:
        """Tell whether a template is left to the workers."""
        return SECRETS in template


class _TaskRendering(_ToolRendering):
    """Renders the tasks of a pipeline, but what earlier tasks produce at run time."""

    def task(self, task: Task) -> dict[str, Any]:
        """Return ``{label: {kind, …}}``; ``args`` become ``input``."""
        config: dict[str, Any] = {"kind": task.tool.kind}
        for name, value in _given_fields(task.tool):
            path = f"tool[{_short(task.label)}].{_short(name)}"
            if name in ARGUMENTS:
                config["input"] = value
            elif name in DEFERRED:
                config[name] = value
            else:
                config[self._key(name, path)] = self._value(value, path)
        return {task.label: config | {"kind": task.tool.kind}}

    def _is_left(self, template: str) -> bool:
        return super()._is_left(template) or self._renderer.lacks_names(template)


def _given_fields(tool: Tool) -> list[tuple[str, Any]]:
    """Return the fields that are not null, and of two that mean the same the first one."""
    given = {name: value for name, value in tool.config.items() if value is not None}
    winner, loser = ARGUMENTS
    if winner in given:
        given.pop(loser, None)
    return list(given.items())


def _short(name: str) -> str:
    """Return a name as it may stand in a message."""
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
