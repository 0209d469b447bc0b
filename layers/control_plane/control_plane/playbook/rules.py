"""The rules of the language for the playbook as a whole; those for a step are in `step_rules`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from control_plane.errors import Fault, InvalidPlaybook, LimitExceeded
from control_plane.limits import Limits
from control_plane.playbook import shapes
from control_plane.playbook.faults import Faults, quoted
from control_plane.playbook.step_rules import step_problems

START: Final = "start"
API_VERSION: Final = "noetl.io/v2"
KIND: Final = "Playbook"


def check(document: Mapping[str, Any], limits: Limits) -> None:
    """Hold a document to every rule, from the outside in.

    Each stage relies on those before it; the first that finds anything ends the check.

    :raises InvalidPlaybook: names the rule and the step; lists all faults of its stage
    :raises LimitExceeded: more steps than the limit
    """
    _check_language(document)
    _check_head(document)
    workflow = document["workflow"]
    if len(workflow) > limits.steps:
        raise LimitExceeded("steps of the workflow", limits.steps, len(workflow))
    names = _checked_names(workflow)
    faults = Faults()
    for step in workflow:
        faults.add(f"Step {quoted(step['step'])}", step_problems(step, names))
    faults.refuse_any()


def _check_language(document: Mapping[str, Any]) -> None:
    """Require a playbook in the one version of the language that is spoken here."""
    faults = Faults()
    for field, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
        if document.get(field) != expected:
            faults.add(field, [f"must be {quoted(expected)}"])
    faults.refuse_any()


def _check_head(document: Mapping[str, Any]) -> None:
    """Hold the fields around the steps to their tables."""
    faults = Faults()
    faults.add("Playbook", shapes.misfits(document, shapes.PLAYBOOK))
    if isinstance(metadata := document.get("metadata"), dict):
        faults.add("Playbook", _metadata_problems(metadata))
    if isinstance(workbook := document.get("workbook"), list):
        for index, task in enumerate(workbook):
            place = f"workbook[{index}]"
            faults.add("Playbook", shapes.misfits(task, shapes.WORKBOOK_TASK, place))
    faults.refuse_any()


def _metadata_problems(metadata: Mapping[str, Any]) -> Iterator[str]:
    yield from shapes.misfits(metadata, shapes.METADATA, "metadata")
    if metadata.get("name") == "":
        yield "metadata.name must not be empty"


def _checked_names(workflow: list[Any]) -> Set[str]:
    """Require a name of its own for every step, and one step to start with."""
    faults = Faults()
    names: set[str] = set()
    for index, step in enumerate(workflow):
        place = f"workflow[{index}]"
        if not isinstance(step, dict):
            faults.add("Playbook", [shapes.wrong_type(place, "a step (an object)", step)])
        elif (name := step.get("step")) is None or name == "":
            faults.add("Playbook", [f"{place}.step is missing: it is the step's name"])
        elif not isinstance(name, str):
            problem = shapes.wrong_type(f"{place}.step", "text, the step's name", name)
            faults.add("Playbook", [problem])
        elif name in names:
            faults.add(f"Step {quoted(name)}", ["duplicate step name"])
        else:
            names.add(name)
    faults.refuse_any()
    if START not in names:
        message = f"Start step {quoted(START)} not found"
        raise InvalidPlaybook(message, (Fault("workflow", message),))
    return names
