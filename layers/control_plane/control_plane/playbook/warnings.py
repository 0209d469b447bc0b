"""What is allowed but probably not meant; told when a playbook is registered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from control_plane.playbook import forms
from control_plane.playbook.faults import quoted
from control_plane.playbook.model import Playbook, Step, Tool
from control_plane.playbook.rules import START

MOST_WARNINGS = 100
"""More are not told."""

KNOWN_KINDS: Final = frozenset(
    {
        "http",
        "postgres",
        "duckdb",
        "ducklake",
        "python",
        "workbook",
        "playbook",
        "playbooks",
        "secrets",
        "iterator",
        "container",
        "script",
        "snowflake",
        "transfer",
        "snowflake_transfer",
        "gcs",
        "gateway",
        "nats",
        "shell",
        "artifact",
        "noop",
        "task_sequence",
        "rhai",
        "subscription",
        "wasm",
        "mcp",
        "agent",
        "result_fetch",
    }
)
"""Tool kinds of the workers known today; workers learn kinds before servers do."""

CheckTemplate = Callable[[str], str | None]
"""Says why a text does not parse as a template, or None if it does."""


def find_warnings(playbook: Playbook, check_template: CheckTemplate | None = None) -> list[str]:
    """Return a sentence for each doubt, at most `MOST_WARNINGS`.

    :param check_template: asked about each text with a template in it; without it, none are
    """
    return list(islice(_warnings(playbook, check_template), MOST_WARNINGS))


def _warnings(playbook: Playbook, check_template: CheckTemplate | None) -> Iterator[str]:
    if playbook.steps[START].loop is not None:
        yield (
            f"Step {quoted(START)}: loop is refused at execute on the first step;"
            " put it into a second step"
        )
    reached = _reachable(playbook)
    for step in playbook.steps.values():
        where = f"Step {quoted(step.name)}"
        if step.name not in reached:
            yield f"{where}: cannot be reached from step {quoted(START)}"
        for place, tool in _tools(step):
            if tool.kind not in KNOWN_KINDS:
                yield f"{where}: {place}.kind {quoted(tool.kind)} is not known"
        if check_template is not None:
            for place, text in _templates(step):
                if problem := check_template(text):
                    yield f"{where}: {place} does not parse: {problem}"


def _tools(step: Step) -> Iterator[tuple[str, Tool]]:
    if isinstance(step.tool, Tool):
        yield "tool", step.tool
    else:
        for index, task in enumerate(step.tool):
            yield f"tool[{index}]", task.tool


def _reachable(playbook: Playbook) -> set[str]:
    reached = {START}
    pending = deque(reached)
    while pending:
        for name in _leads_to(playbook.steps[pending.popleft()]):
            if name in playbook.steps and name not in reached:
                reached.add(name)
                pending.append(name)
    return reached


def _leads_to(step: Step) -> Iterator[str]:
    for arc in step.next:
        yield arc.step
    for place, tool in _tools(step):
        for _, entry in forms.evals(tool.config, place):
            # `do: jump` names its target here.
            if isinstance(target := entry.get("target"), str):
                yield target


def _templates(step: Step) -> Iterator[tuple[str, str]]:
    for place, tool in _tools(step):
        yield from _texts(tool.config, place)
    yield from _texts(step.args, "args")
    if step.loop is not None:
        yield from _texts(step.loop.in_, "loop.in")
    for index, arc in enumerate(step.next):
        yield from _texts(arc.when, f"next[{index}].when")


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield each text with a template in it; the field it belongs to is its place."""
    pending: list[tuple[str, Any, bool]] = [(place, value, True)]
    while pending:
        where, item, is_outermost = pending.pop()
        if isinstance(item, str):
            if "{{" in item or "{%" in item:
                yield where, item
        elif isinstance(item, Mapping):
            for key, inner in reversed(list(item.items())):
                pending.append((f"{where}.{key}" if is_outermost else where, inner, False))
        elif isinstance(item, list):
            pending.extend((where, inner, False) for inner in reversed(item))
