"""From a document that keeps the rules to the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control_plane.playbook import forms
from control_plane.playbook.model import Arc, Loop, Playbook, Step, Task, Tool

Raw = Mapping[str, Any]


def build(document: Raw, size: int) -> Playbook:
    """Return the model of a document that `rules.check` let pass.

    :param size: bytes of the document's text
    """
    metadata = document["metadata"]
    return Playbook(
        path=metadata.get("path") or None,
        name=metadata["name"],
        workload=document.get("workload"),
        steps={step["step"]: _step(step) for step in document["workflow"]},
        size=size,
        made={},
    )


def _step(step: Raw) -> Step:
    tool, loop = step["tool"], step.get("loop")
    return Step(
        name=step["step"],
        tool=_tool(tool) if isinstance(tool, dict) else tuple(map(_task, tool)),
        args=forms.arguments(step),
        loop=None if loop is None else _loop(loop),
        next=tuple(_arc(arc) for _, arc in forms.arcs(step.get("next"))),
    )


def _tool(tool: Raw, *left_out: str) -> Tool:
    config = {key: value for key, value in tool.items() if key != "kind" and key not in left_out}
    return Tool(tool["kind"], config)


def _task(task: Raw) -> Task:
    if forms.is_flat(task):
        return Task(task["name"], _tool(task, "name"))
    ((label, tool),) = task.items()
    return Task(label, _tool(tool))


def _loop(loop: Raw) -> Loop:
    return Loop(loop["iterator"], loop.get("in"), forms.loop_mode(loop))


def _arc(arc: Raw) -> Arc:
    when = arc.get("when")
    if isinstance(when, bool):
        when = "true" if when else "false"
    return Arc(arc["step"], when, arc.get("args") or {})
