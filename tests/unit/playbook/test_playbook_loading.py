"""From text, or from a JSON value, to the model."""

from __future__ import annotations

import json

import pytest

from control_plane.errors import InvalidPlaybook, UnstorableValue
from control_plane.limits import Limits
from control_plane.playbook.loader import load, parse_document, validate
from control_plane.playbook.model import Arc, Loop, Task, Tool
from tests.unit.playbook.documents import MINIMAL, WEATHER, document, step


def test_a_realistic_playbook_becomes_the_model():
    playbook = load(WEATHER, Limits())
    assert (playbook.path, playbook.name) == ("examples/weather", "weather")
    assert playbook.workload == {
        "cities": ["Oslo", "Rome"],
        "threshold": 21.5,
        "since": "2024-01-01",
        "at": "12:30:00",
    }
    assert list(playbook.steps) == ["start", "each", "drain", "report"]
    assert playbook.size == len(WEATHER.encode())


def test_a_single_tool_keeps_its_fields_as_written_and_in_order():
    tool = load(WEATHER, Limits()).steps["start"].tool
    assert isinstance(tool, Tool)
    assert tool.kind == "http"
    assert list(tool.config) == ["method", "url", "headers", "eval"]


def test_both_ways_to_write_a_task_mean_the_same():
    command = "INSERT INTO weather VALUES ('{{ city }}')\n"
    assert load(WEATHER, Limits()).steps["each"].tool == (
        Task("fetch", Tool("http", {"url": "{{ city }}"})),
        Task("store", Tool("postgres", {"auth": "pg", "command": command})),
    )


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"kind": {"kind": "noop"}}, Task("kind", Tool("noop", {}))),
        ({"name": {"kind": "noop"}}, Task("name", Tool("noop", {}))),
        ({"a": {"kind": "noop", "name": "b"}}, Task("a", Tool("noop", {"name": "b"}))),
        ({"kind": "noop", "name": "kind"}, Task("kind", Tool("noop", {}))),
    ],
)
def test_a_task_may_have_any_label(task, expected):
    assert load(document(step(tool=[task])), Limits()).steps["start"].tool == (expected,)


@pytest.mark.parametrize(
    ("next_", "arcs"),
    [
        (None, ()),
        ("b", (Arc("b"),)),
        (["b", "end"], (Arc("b"), Arc("end"))),
        ([{"step": "b", "when": "x", "args": {"y": 1}}], (Arc("b", "x", {"y": 1}),)),
        ([{"step": "b", "when": True, "args": None}], (Arc("b", "true"),)),
        ({"spec": {"mode": "inclusive"}, "arcs": [{"step": "b"}]}, (Arc("b"),)),
        ({"arcs": None}, ()),
    ],
)
def test_the_four_forms_of_next_become_arcs(next_, arcs):
    assert load(document(step(next=next_), step("b")), Limits()).steps["start"].next == arcs


@pytest.mark.parametrize(
    ("fields", "args"),
    [
        ({}, {}),
        ({"args": {"a": "{{ x }}"}}, {"a": "{{ x }}"}),
        ({"input": {"a": 1}}, {"a": 1}),
        ({"args": {"a": 1}, "input": {"b": 2}}, {"a": 1}),
        ({"args": {}, "input": {"b": 2}}, {}),
        ({"args": None, "input": {"b": 2}}, {"b": 2}),
    ],
)
def test_input_is_another_name_of_args_which_wins(fields, args):
    assert load(document(step(**fields)), Limits()).steps["start"].args == args


def test_a_loop_keeps_items_iterator_and_mode():
    steps = load(WEATHER, Limits()).steps
    assert steps["each"].loop == Loop("city", "{{ workload.cities }}", "parallel")
    assert steps["drain"].loop == Loop("row", None, "cursor")
    plain = load(document(step(loop={"in": [1], "iterator": "i"})), Limits())
    assert plain.steps["start"].loop == Loop("i", [1], "sequential")


@pytest.mark.parametrize("workload", [None, {"a": 1}, [1], "text", 5])
def test_workload_may_be_anything(workload):
    assert load(document(workload=workload), Limits()).workload == workload


def test_an_empty_path_counts_as_absent():
    assert load(document(metadata={"name": "n", "path": ""}), Limits()).path is None


def test_a_json_value_is_loaded_as_its_text_would_be():
    from_text = load(WEATHER, Limits())
    from_json = load(json.loads(json.dumps(parse_document(WEATHER, Limits()))), Limits())
    assert from_json.steps == from_text.steps
    assert from_json.size > 0


@pytest.mark.parametrize(
    "value", ["a\0b", "\ud800", float("nan"), float("inf"), 2**64, -(2**63) - 1]
)
def test_a_json_value_that_postgres_cannot_hold_is_refused_with_its_place(value):
    with pytest.raises(UnstorableValue, match=r"playbook\.workload\.x\[0\]: "):
        load(document(workload={"x": [value]}), Limits())


@pytest.mark.parametrize(
    ("text", "found"), [("a", "text"), ("[1]", "a list"), ("1", "a number"), ("~", "null")]
)
def test_a_document_that_is_no_object_is_refused(text, found):
    with pytest.raises(InvalidPlaybook) as caught:
        parse_document(text, Limits())
    assert caught.value.message == f"Playbook must be an object, found {found}"


def test_parsing_checks_no_rules_and_validating_does():
    parsed = parse_document("kind: Other", Limits())
    assert parsed == {"kind": "Other"}
    with pytest.raises(InvalidPlaybook, match="apiVersion: must be"):
        validate(parsed, Limits(), 11)


def test_a_parsed_document_can_be_validated_and_stored():
    parsed = parse_document(MINIMAL, Limits())
    assert validate(parsed, Limits(), 17).size == 17
    assert json.loads(json.dumps(parsed)) == parsed


@pytest.mark.parametrize("value", [[1], 5, True, None])
def test_a_stored_value_that_is_no_object_is_refused(value):
    with pytest.raises(InvalidPlaybook, match="Playbook must be an object"):
        load(value, Limits())
