"""The several ways to write the same thing, each read into one; none of them judged here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def labels(task: Mapping[str, Any]) -> list[Any]:
    """Return the labels of a pipeline's task, of which it should have one.

    ``{name: label, kind: …}`` is the flat form, told by a `kind` that is no tool itself;
    ``{label: {kind: …}}`` is the nested one.
    """
    if is_flat(task):
        return [task["name"]] if task.get("name") is not None else []
    return list(task)


def is_flat(task: Mapping[str, Any]) -> bool:
    """Tell the flat form of a task from the nested one."""
    return "kind" in task and not isinstance(task["kind"], dict)


def tools(tool: Any, place: str = "tool") -> Iterator[tuple[str, Any]]:
    """Yield each tool of a step with its place: one, or those of a pipeline's tasks."""
    if isinstance(tool, dict):
        yield place, tool
        return
    for index, task in enumerate(tool):
        yield f"{place}[{index}]", task if is_flat(task) else next(iter(task.values()))


def arcs(next_: Any) -> Iterator[tuple[str, Any]]:
    """Yield each way out of a step with its place, as ``{step, when?, args?}``."""
    if isinstance(next_, str):
        yield "next", {"step": next_}
    elif isinstance(next_, dict):
        for index, arc in enumerate(next_.get("arcs") or ()):
            yield f"next.arcs[{index}]", arc
    elif next_:
        for index, arc in enumerate(next_):
            yield f"next[{index}]", {"step": arc} if isinstance(arc, str) else arc


def evals(tool: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    """Yield each entry of a tool's `eval` with its place."""
    for index, entry in enumerate(tool.get("eval") or ()):
        yield f"{place}.eval[{index}]", entry


def arguments(step: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a step's `args`, of which `input` is another name; `args` wins."""
    args = step.get("args")
    return (args if args is not None else step.get("input")) or {}


def loop_mode(loop: Mapping[str, Any]) -> str:
    """Return a loop's mode, sequential when none is written."""
    return (loop.get("spec") or {}).get("mode") or "sequential"
