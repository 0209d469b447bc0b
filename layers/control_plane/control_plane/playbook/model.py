"""A playbook as the rest of the project sees it: validated, normalised, immutable."""

# No `from __future__ import annotations`: making a record parses each such text.

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Tool(NamedTuple):
    """One tool call.

    ``config`` holds every field but ``kind`` as it was written, in order; nothing is renamed.
    """

    kind: str
    config: Mapping[str, Any]


class Task(NamedTuple):
    """One task of a pipeline."""

    label: str
    tool: Tool


class Loop(NamedTuple):
    """``loop`` of a step: run it once per item."""

    iterator: str
    in_: Any
    mode: str = "sequential"


class Arc(NamedTuple):
    """One way out of a step, whichever of the four forms of ``next`` it was written in."""

    step: str
    when: str | None = None
    args: Mapping[str, Any] = _NOTHING


class Step(NamedTuple):
    """A step of the workflow: one tool, or a pipeline of tasks.

    ``tool`` is a tuple of tasks for a pipeline (even of one task). ``args`` are as written,
    unrendered, empty when absent; ``input`` is folded into them.
    """

    name: str
    tool: Tool | tuple[Task, ...]
    args: Mapping[str, Any] = _NOTHING
    loop: Loop | None = None
    next: tuple[Arc, ...] = ()


class Playbook(NamedTuple):
    """A playbook that can be started.

    ``path`` is ``metadata.path``, ``name`` is ``metadata.name``; ``workload`` is any JSON value.
    ``size`` is the size of the document's text in bytes, the unit of the cache. ``made`` is room
    for what is made of the playbook once, and is kept and dropped with it.
    """

    path: str | None
    name: str | None
    workload: Any
    steps: Mapping[str, Step]
    size: int
    made: dict[Any, Any]
