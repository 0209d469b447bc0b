"""Renders one template, or builds the command of a step, in a line of a test."""

from __future__ import annotations

from typing import Any

from control_plane.command.builder import Command, build_command
from control_plane.command.context import merged_workload
from control_plane.command.templating import Renderer
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.model import Loop, Playbook, Step, Task, Tool

LIMITS = Limits()
EXECUTION_ID = 658371920845275136
CATALOG_ID = 42


def value_of(source: str, names: dict[str, Any] | None = None, limits: Limits = LIMITS) -> Any:
    return Renderer(names or {}, limits).value(source)


def text_of(source: str, names: dict[str, Any] | None = None, limits: Limits = LIMITS) -> str:
    return Renderer(names or {}, limits).text(source)


def http(**config: Any) -> Tool:
    return Tool("http", config)


def pipeline(**tools: Tool) -> tuple[Task, ...]:
    return tuple(Task(label, tool) for label, tool in tools.items())


def command_of(
    tool: Tool | tuple[Task, ...],
    payload: dict[str, Any] | None = None,
    *,
    workload: Any = None,
    args: dict[str, Any] | None = None,
    loop: Loop | None = None,
    limits: Limits = LIMITS,
) -> Command:
    step = Step("start", tool, args or {}, loop)
    playbook = Playbook("examples/test", "test", workload, {"start": step}, 1000, {})
    merged = merged_workload(workload, Json(payload or {}))
    return build_command(playbook, "start", merged, EXECUTION_ID, CATALOG_ID, limits)


def config_of(tool: Tool | tuple[Task, ...], payload: dict[str, Any] | None = None) -> Any:
    return command_of(tool, payload).tool_config.value
