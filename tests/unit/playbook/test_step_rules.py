"""Every rule for a step, and that each refusal names the step, the field and what is expected."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.errors import InvalidPlaybook
from control_plane.limits import Limits
from control_plane.playbook.loader import load
from control_plane.playbook.model import Playbook
from tests.unit.playbook.documents import document, step


def load_step(**fields: Any) -> Playbook:
    return load(document(step(), step("work", **fields)), Limits())


def refusal(**fields: Any) -> str:
    with pytest.raises(InvalidPlaybook) as caught:
        load_step(**fields)
    assert caught.value.message.startswith("Step 'work': ")
    return caught.value.message.removeprefix("Step 'work': ")


def loop(**fields: Any) -> dict[str, Any]:
    return {"in": "{{ items }}", "iterator": "item", **fields}


def tool(**fields: Any) -> dict[str, Any]:
    return {"kind": "http", **fields}


def arc(**fields: Any) -> dict[str, Any]:
    return {"arcs": [{"step": "end", **fields}]}


EXPECTED_TYPES = [
    ({"spec": []}, "spec must be an object, found a list"),
    ({"when": 5}, "when must be an expression (text), found a number"),
    ({"args": []}, "args must be an object, found a list"),
    ({"input": "x"}, "input must be an object, found text"),
    ({"vars": 1.5}, "vars must be an object, found a number"),
    ({"set": True}, "set must be an object, found a boolean"),
    ({"loop": "x"}, "loop must be an object, found text"),
    (
        {"loop": loop(**{"in": 3})},
        "loop.in must be an expression, a list or an object, found a number",
    ),
    ({"loop": loop(iterator=None)}, "loop.iterator is missing"),
    ({"loop": loop(iterator=["i"])}, "loop.iterator must be text, found a list"),
    ({"loop": loop(cursor=1)}, "loop.cursor must be an object, found a number"),
    ({"loop": loop(spec=[])}, "loop.spec must be an object, found a list"),
    ({"loop": loop(spec={"mode": 1})}, "loop.spec.mode must be text, found a number"),
    ({"tool": None}, "tool is missing"),
    ({"tool": "http"}, "tool must be a tool (an object) or a list of tasks, found text"),
    ({"tool": {}}, "tool.kind is missing"),
    ({"tool": {"kind": ["http"]}}, "tool.kind must be text, found a list"),
    ({"tool": tool(eval={})}, "tool.eval must be a list, found an object"),
    ({"tool": tool(eval=["x"])}, "tool.eval[0] must be an object, found text"),
    ({"tool": tool(eval=[{"do": 1}])}, "tool.eval[0].do must be text, found a number"),
    ({"tool": tool(eval=[{"else": "x"}])}, "tool.eval[0].else must be an object, found text"),
    (
        {"tool": tool(eval=[{"else": {"do": []}}])},
        "tool.eval[0].else.do must be text, found a list",
    ),
    ({"tool": tool(code=1)}, "tool.code must be text, found a number"),
    ({"tool": tool(command={})}, "tool.command must be text or a list, found an object"),
    ({"tool": ["x"]}, "tool[0] must be a task, {label: {kind: …}}, found text"),
    ({"tool": [{"a": "x"}]}, "tool[0] must be an object, found text"),
    ({"tool": [{"a": {}}]}, "tool[0].kind is missing"),
    ({"tool": [tool(name=1)]}, "tool[0].name must be text, the task's label, found a number"),
    ({"tool": [{"a": tool(code=[])}]}, "tool[0].code must be text, found a list"),
    ({"next": 5}, "next must be a step name, a list or an object with arcs, found a number"),
    ({"next": {"step": "work"}}, "next must be a step name, a list or an object with arcs"),
    ({"next": [5]}, "next[0] must be an object, {step: …}, found a number"),
    ({"next": ["work", {}]}, "next[1] must be a step name, as the first is, found an object"),
    ({"next": [{"step": "work"}, "work"]}, "next[1] must be an object, {step: …}, found text"),
    ({"next": [{}]}, "next[0].step is missing"),
    ({"next": [{"step": 1}]}, "next[0].step must be text, found a number"),
    ({"next": {"arcs": {}}}, "next.arcs must be a list, found an object"),
    ({"next": {"arcs": ["work"]}}, "next.arcs[0] must be an object, found text"),
    ({"next": arc(args=[])}, "next.arcs[0].args must be an object, found a list"),
    ({"next": arc(set=1)}, "next.arcs[0].set must be an object, found a number"),
    ({"next": arc(when={})}, "next.arcs[0].when must be an expression (text), found an object"),
    ({"next": {"spec": "x"}}, "next.spec must be an object, found text"),
    ({"next": {"spec": {"mode": []}}}, "next.spec.mode must be text, found a list"),
]


@pytest.mark.parametrize(("fields", "message"), EXPECTED_TYPES)
def test_a_wrong_type_is_refused_with_field_and_expectation(fields, message):
    assert refusal(**fields) == message


def test_a_case_block_is_refused_with_what_replaced_it():
    message = "'case' was removed from the language; step.when and next[].when replaced it"
    assert refusal(case=[{"when": "{{ x }}"}]) == message
    assert refusal(case={}, tool=None) == message


def test_an_empty_pipeline_is_refused():
    assert refusal(tool=[]) == "tool is an empty pipeline; it needs at least one task"


@pytest.mark.parametrize(
    ("task", "count"), [({}, 0), ({"a": tool(), "b": tool()}, 2), (tool(), 0), (tool(name=None), 0)]
)
def test_a_task_with_other_than_one_label_is_refused(task, count):
    assert refusal(tool=[{"ok": tool()}, task]) == (
        "tool[1] must have exactly one label, {label: {kind: …}} or name beside kind,"
        f" found {count}"
    )


@pytest.mark.parametrize("kind", ["", "  "])
def test_an_empty_kind_is_refused(kind):
    assert refusal(tool={"kind": kind}) == "tool.kind must not be empty"
    assert refusal(tool=[{"a": {"kind": kind}}]) == "tool[0].kind must not be empty"


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"do": "stop"}, "do"),
        ({"do": ""}, "do"),
        ({"do": "Retry"}, "do"),
        ({"expr": "{{ x }}"}, "do"),
        ({"else": {"do": "skip"}}, "else.do"),
        ({"else": {}}, "else.do"),
    ],
)
def test_an_eval_that_does_something_else_is_refused(entry, field):
    entries = [{"do": "continue"}, entry]
    actions = "continue, retry, break, jump, fail"
    assert refusal(tool=tool(eval=entries)) == f"tool.eval[1].{field} must be one of {actions}"
    assert refusal(tool=[{"a": tool(eval=entries)}]) == (
        f"tool[0].eval[1].{field} must be one of {actions}"
    )


@pytest.mark.parametrize("do", ["continue", "retry", "break", "jump", "fail"])
def test_an_eval_does_one_of_five_things(do):
    load_step(tool=tool(eval=[{"expr": "{{ x }}", "do": do}, {"else": {"do": do}}]))


EXPRESSIONS = {
    "when": lambda expression: {"when": expression},
    "tool.eval[0].expr": lambda expression: {
        "tool": tool(eval=[{"expr": expression, "do": "fail"}])
    },
    "tool[0].eval[0].expr": lambda expression: {
        "tool": [{"a": tool(eval=[{"expr": expression, "do": "fail"}])}]
    },
    "next[0].when": lambda expression: {"next": [{"step": "end", "when": expression}]},
    "next.arcs[0].when": lambda expression: {
        "next": {"arcs": [{"step": "end", "when": expression}]}
    },
}


@pytest.mark.parametrize("place", EXPRESSIONS)
@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "must not be empty"),
        (" \n", "must not be empty"),
        ("{ x }", "has a '{' but no '{{': write an expression as {{ … }}"),
        ("{% if x %}", "has a '{' but no '{{': write an expression as {{ … }}"),
    ],
)
def test_an_expression_that_is_none_is_refused(place, expression, message):
    assert refusal(**EXPRESSIONS[place](expression)) == f"{place} {message}"


@pytest.mark.parametrize("place", EXPRESSIONS)
@pytest.mark.parametrize(
    "expression", ["{{ x }}", "x > 5", "{% if x %}{{ x }}{% endif %}", True, None]
)
def test_an_expression_may_be_bare_or_a_template(place, expression):
    load_step(**EXPRESSIONS[place](expression))


@pytest.mark.parametrize("items", [None, "", "  ", [], {}])
def test_a_loop_without_items_is_refused_unless_a_cursor_fetches_them(items):
    message = "loop.in must not be empty unless loop.spec.mode is cursor"
    assert refusal(loop=loop(**{"in": items})) == message
    assert refusal(loop=loop(**{"in": items, "spec": {"mode": "parallel"}})) == message
    load_step(loop=loop(**{"in": items, "spec": {"mode": "cursor"}}))


@pytest.mark.parametrize("iterator", ["", " "])
def test_a_loop_without_an_iterator_is_refused(iterator):
    assert refusal(loop=loop(iterator=iterator)) == "loop.iterator must not be empty"


def test_an_unknown_mode_is_refused():
    assert refusal(loop=loop(spec={"mode": "async"})) == (
        "loop.spec.mode must be one of sequential, parallel, cursor"
    )
    assert refusal(next={"spec": {"mode": "any"}}) == (
        "next.spec.mode must be one of exclusive, inclusive"
    )


@pytest.mark.parametrize(
    ("next_", "place"),
    [
        ("lost", "next"),
        ("", "next"),
        (["work", "lost"], "next[1]"),
        ([{"step": "lost"}], "next[0]"),
        ({"arcs": [{"step": "end"}, {"step": "lost"}]}, "next.arcs[1]"),
    ],
)
def test_a_way_to_an_unknown_step_is_refused(next_, place):
    name = "''" if next_ == "" else "'lost'"
    assert refusal(next=next_) == f"{place} names unknown step {name}"


@pytest.mark.parametrize(
    "next_", ["end", ["end"], [{"step": "end"}], {"arcs": [{"step": "end"}]}, [], {}, {"spec": {}}]
)
def test_end_need_not_exist_and_a_step_need_not_lead_anywhere(next_):
    load_step(next=next_)


def test_null_equals_absent_and_unknown_keys_are_kept():
    names = ("spec", "when", "args", "input", "vars", "set", "loop", "next", "case", "desc")
    load_step(**dict.fromkeys(names), colour="blue")
    playbook = load_step(tool={"kind": "future", "novel": [1], "code": None, "eval": None})
    assert playbook.steps["work"].tool.config == {"novel": [1], "code": None, "eval": None}


def test_a_loop_on_start_is_not_refused_here():
    assert load(document(step(loop=loop())), Limits()).steps["start"].loop is not None
