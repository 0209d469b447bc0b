"""Puts together the command that a worker runs for a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from control_plane.command.compiled import CompiledStep
from control_plane.command.context import rendering_names
from control_plane.command.failures import TakesLong
from control_plane.command.templating import Renderer
from control_plane.errors import Fault, InvalidPlaybook, LimitExceeded
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.model import Playbook, Step

MOST_KEPT = 12
"""Bytes of compiled steps that are kept for each byte of a document; most take less than one."""


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
    return _built(
        _compiled(playbook, step, limits.depth),
        workload,
        lambda: Renderer(rendering_names(workload, execution_id, catalog_id), limits),
        limits,
    )


def draft_command(
    playbook: Playbook, step: str, workload: Json, catalog_id: int, limits: Limits
) -> Command | None:
    """Build the command before its execution has an id, where that makes no difference.

    :returns: None where a template names the id or takes long, and where the step is not kept
    :raises RequestError: as `build_command`
    """
    compiled = playbook.made.get((step, limits.depth))
    if compiled is None or compiled.names_execution:
        return None
    names = rendering_names(workload, 0, catalog_id)
    try:
        return _built(compiled, workload, lambda: Renderer(names, limits, is_brief=True), limits)
    except TakesLong:
        return None


def _built(
    compiled: CompiledStep, workload: Json, renderer: Callable[[], Renderer], limits: Limits
) -> Command:
    config = compiled.known or compiled.tool_config(renderer())
    command = Command(compiled.name, compiled.tool_kind, config, compiled.args)
    _check_size(command, workload, limits)
    return command


def _compiled(playbook: Playbook, step: str, depth: int) -> CompiledStep:
    """Return what is known of a step; kept with its playbook, unless it takes much more room."""
    kept = playbook.made
    compiled = kept.get((step, depth))
    if compiled is None:
        compiled = CompiledStep(_startable_step(playbook, step), depth)
        size = compiled.weight + sum(one.weight for one in kept.values())
        if size <= MOST_KEPT * playbook.size:
            kept[step, depth] = compiled
    return compiled


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
    size = _bytes(command.tool_config) + _bytes(command.args) + 2 * _bytes(workload)
    if size > limits.context_bytes:
        raise LimitExceeded(
            f"context of the command of step '{command.step}' in bytes", limits.context_bytes, size
        )


def _bytes(value: Json) -> int:
    text = value.text
    return len(text) if text.isascii() else len(text.encode())
