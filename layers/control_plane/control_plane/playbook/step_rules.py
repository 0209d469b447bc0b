"""The rules of the language for one step, listed in `STEP_RULES` at the end.

A rule is a function that yields what is wrong, as a sentence about the step. Adding one means
to write it and to list it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, Final

from control_plane.playbook import forms, shapes
from control_plane.playbook.faults import quoted

END: Final = "end"
EVAL_ACTIONS: Final = ("continue", "retry", "break", "jump", "fail")
LOOP_MODES: Final = ("sequential", "parallel", "cursor")
ROUTER_MODES: Final = ("exclusive", "inclusive")

Raw = Mapping[str, Any]
Problems = Iterator[str]
Rule = Callable[[Raw, Set[str]], Problems]


def step_problems(step: Raw, names: Set[str]) -> Problems:
    """Yield what is wrong with a step.

    :param names: of all steps
    """
    for line in STEP_RULES:
        has_failed = False
        for rule in line:
            for problem in rule(step, names):
                has_failed = True
                yield problem
        if has_failed:
            return


def no_case_block(step: Raw, _: Set[str]) -> Problems:
    """Refuse `case`, which left the language."""
    if step.get("case") is not None:
        yield "'case' was removed from the language; step.when and next[].when replaced it"


def fields_have_their_types(step: Raw, _: Set[str]) -> Problems:
    """Hold the step, its loop and its router to their tables."""
    yield from shapes.misfits(step, shapes.STEP)
    if isinstance(loop := step.get("loop"), dict):
        yield from shapes.misfits(loop, shapes.LOOP, "loop")
        if isinstance(spec := loop.get("spec"), dict):
            yield from shapes.misfits(spec, shapes.LOOP_SPEC, "loop.spec")
    if isinstance(router := step.get("next"), dict):
        yield from shapes.misfits(router, shapes.ROUTER, "next")
        if isinstance(spec := router.get("spec"), dict):
            yield from shapes.misfits(spec, shapes.ROUTER_SPEC, "next.spec")


def pipeline_has_tasks(step: Raw, _: Set[str]) -> Problems:
    """Require a task in a pipeline."""
    if step["tool"] == []:
        yield "tool is an empty pipeline; it needs at least one task"


def task_has_one_label(step: Raw, _: Set[str]) -> Problems:
    """Require ``{label: {kind: …}}`` or ``{name: label, kind: …}`` of a task."""
    if not isinstance(step["tool"], list):
        return
    for index, task in enumerate(step["tool"]):
        place = f"tool[{index}]"
        if not isinstance(task, dict):
            yield shapes.wrong_type(place, "a task, {label: {kind: …}}", task)
            continue
        labels = forms.labels(task)
        if len(labels) != 1:
            yield (
                f"{place} must have exactly one label, {{label: {{kind: …}}}} or name beside kind,"
                f" found {len(labels)}"
            )
        elif not isinstance(labels[0], str):
            yield shapes.wrong_type(f"{place}.name", "text, the task's label", labels[0])


def next_has_one_form(step: Raw, _: Set[str]) -> Problems:
    """Require a name, a list of names, a list of objects, or a router of `next`."""
    next_ = step.get("next")
    if isinstance(next_, list):
        lists_names = bool(next_) and isinstance(next_[0], str)
        words = "a step name, as the first is" if lists_names else "an object, {step: …}"
        for index, arc in enumerate(next_):
            if not isinstance(arc, str if lists_names else dict):
                yield shapes.wrong_type(f"next[{index}]", words, arc)
    elif isinstance(next_, dict) and next_ and not next_.keys() & shapes.ROUTER.keys():
        yield "next must be a step name, a list or an object with arcs"


def tools_have_their_types(step: Raw, _: Set[str]) -> Problems:
    """Hold each tool and each entry of its `eval` to their tables."""
    for place, tool in forms.tools(step["tool"]):
        yield from shapes.misfits(tool, shapes.TOOL, place)
        if not isinstance(tool, dict) or not isinstance(tool.get("eval"), list):
            continue
        for entry_place, entry in forms.evals(tool, place):
            yield from shapes.misfits(entry, shapes.EVAL, entry_place)
            if isinstance(entry, dict) and isinstance(otherwise := entry.get("else"), dict):
                yield from shapes.misfits(otherwise, shapes.EVAL_ELSE, f"{entry_place}.else")


def arcs_have_their_types(step: Raw, _: Set[str]) -> Problems:
    """Hold each way out of the step to its table."""
    for place, arc in forms.arcs(step.get("next")):
        yield from shapes.misfits(arc, shapes.ARC, place)


def kinds_are_named(step: Raw, _: Set[str]) -> Problems:
    """Require a kind of each tool; which kinds there are, the workers know."""
    for place, tool in forms.tools(step["tool"]):
        if not tool["kind"].strip():
            yield f"{place}.kind must not be empty"


def eval_actions_are_known(step: Raw, _: Set[str]) -> Problems:
    """Require one of five actions of each `eval` entry, in `do` or in `else.do`."""
    for place, tool in forms.tools(step["tool"]):
        for entry_place, entry in forms.evals(tool, place):
            field, action = "do", entry.get("do")
            if entry.get("else") is not None:
                field, action = "else.do", entry["else"].get("do")
            if action not in EVAL_ACTIONS:
                yield f"{entry_place}.{field} must be one of {', '.join(EVAL_ACTIONS)}"


def expressions_are_templates(step: Raw, _: Set[str]) -> Problems:
    """Refuse an expression that is empty, or has a brace but no template."""
    for place, expression in _expressions(step):
        if not isinstance(expression, str):
            continue
        if not expression.strip():
            yield f"{place} must not be empty"
        elif "{" in expression and "{{" not in expression:
            yield f"{place} has a '{{' but no '{{{{': write an expression as {{{{ … }}}}"


def loop_has_items(step: Raw, _: Set[str]) -> Problems:
    """Require a known mode of a loop, and items unless a cursor fetches them."""
    loop = step.get("loop")
    if loop is None:
        return
    mode, items = forms.loop_mode(loop), loop.get("in")
    if mode not in LOOP_MODES:
        yield f"loop.spec.mode must be one of {', '.join(LOOP_MODES)}"
    elif mode != "cursor" and not (items.strip() if isinstance(items, str) else items):
        yield "loop.in must not be empty unless loop.spec.mode is cursor"


def loop_has_an_iterator(step: Raw, _: Set[str]) -> Problems:
    """Require a name for what a loop's item is held in."""
    if step.get("loop") is not None and not step["loop"]["iterator"].strip():
        yield "loop.iterator must not be empty"


def router_mode_is_known(step: Raw, _: Set[str]) -> Problems:
    """Require a known mode of a router."""
    if isinstance(router := step.get("next"), dict):
        mode = (router.get("spec") or {}).get("mode")
        if mode is not None and mode not in ROUTER_MODES:
            yield f"next.spec.mode must be one of {', '.join(ROUTER_MODES)}"


def next_names_known_steps(step: Raw, names: Set[str]) -> Problems:
    """Require that each way out leads to a step, or to `end`, which need not exist."""
    for place, arc in forms.arcs(step.get("next")):
        if (name := arc["step"]) not in names and name != END:
            yield f"{place} names unknown step {quoted(name)}"


def _expressions(step: Raw) -> Iterator[tuple[str, Any]]:
    yield "when", step.get("when")
    for place, tool in forms.tools(step["tool"]):
        for entry_place, entry in forms.evals(tool, place):
            yield f"{entry_place}.expr", entry.get("expr")
    for place, arc in forms.arcs(step.get("next")):
        yield f"{place}.when", arc.get("when")


STEP_RULES: Final[tuple[tuple[Rule, ...], ...]] = (
    # A line relies on the lines before it: a step that fails one is not asked the next.
    (no_case_block,),
    (fields_have_their_types,),
    (pipeline_has_tasks, task_has_one_label, next_has_one_form),
    (tools_have_their_types, arcs_have_their_types),
    (
        kinds_are_named,
        eval_actions_are_known,
        expressions_are_templates,
        loop_has_items,
        loop_has_an_iterator,
        router_mode_is_known,
        next_names_known_steps,
    ),
)
