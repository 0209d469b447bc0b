"""What is known of a step before there is a request is made once, and makes no difference."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.command import builder
from control_plane.command.builder import Command, build_command
from control_plane.errors import LimitExceeded, TemplateError, UnstorableValue
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.model import Playbook, Step, Tool
from tests.unit.command.commands import LIMITS, http, pipeline

TOO_DEEP = "[" * (LIMITS.depth + 1) + "]" * (LIMITS.depth + 1)
UNSTORABLE = '["\\u0000"]'


def playbook(tool: Any, args: dict[str, Any] | None = None, size: int = 1000) -> Playbook:
    return Playbook(
        "examples/test", "test", None, {"start": Step("start", tool, args or {})}, size, {}
    )


def build(book: Playbook, limits: Limits = LIMITS, **payload: Any) -> Command:
    return build_command(book, "start", Json(payload), 1, 2, limits)


@pytest.fixture
def compiled(monkeypatch):
    """The depths for which steps were compiled."""
    depths = []
    real = builder.CompiledStep
    monkeypatch.setattr(
        builder, "CompiledStep", lambda step, depth: depths.append(depth) or real(step, depth)
    )
    return depths


def test_a_step_is_compiled_once_and_rendered_for_each_request(compiled):
    book = playbook(http(url="{{ host }}", headers={"{{ name }}": "{{ name }}", "b": "2"}))
    first, second = build(book, host="x", name="a"), build(book, host="y", name="b")
    assert first.tool_config.value == {"url": "x", "headers": {"a": "a", "b": 2}}
    assert second.tool_config.value == {"url": "y", "headers": {"b": 2}}
    assert compiled == [LIMITS.depth]


def test_in_a_pipeline_it_is_the_request_that_says_what_is_left(compiled):
    book = playbook(pipeline(task=http(url="{{ a }}", params={"{{ a }}": 1})))
    assert build(book).tool_config.value == [
        {"task": {"kind": "http", "url": "{{ a }}", "params": {"{{ a }}": 1}}}
    ]
    assert build(book, a=5).tool_config.value == [
        {"task": {"kind": "http", "url": 5, "params": {"5": 1}}}
    ]
    assert len(compiled) == 1


@pytest.mark.parametrize("tool", [http(body={"a": [1]}), http(body={"a": ["{{ x }}"]})])
def test_who_changes_a_command_changes_no_other(tool):
    book = playbook(tool, args={"list": [1]})
    first = build(book, x=1)
    first.tool_config.value["body"]["a"].append(2)
    first.args.value["list"].append(2)
    for command in (first, build(book, x=1)):
        assert command.tool_config.value == {"body": {"a": [1]}}
        assert command.args.value == {"list": [1]}


def test_what_takes_much_more_room_than_its_document_is_not_kept(compiled):
    book = playbook(http(items=["{{ a }}"] * 100), size=1000)
    assert [build(book, a=n).tool_config.value["items"][99] for n in (1, 2)] == [1, 2]
    assert len(compiled) == 2
    assert book.made == {}


def test_a_name_in_a_hole_overrides_and_is_overridden_in_the_order_written():
    book = playbook(http(params={"a": 1, "{{ x }}": 2, "b": 3}))
    assert build(book, x="a").tool_config.text == '{"params":{"a":2,"b":3}}'
    assert build(book, x="b").tool_config.text == '{"params":{"a":1,"b":3}}'
    assert build(book, x="c").tool_config.text == '{"params":{"a":1,"b":3,"c":2}}'


@pytest.mark.parametrize("tool", [http, lambda **config: pipeline(task=http(**config))])
def test_text_that_is_nested_too_deep_is_refused_when_its_turn_comes(tool):
    for _ in range(2):
        with pytest.raises(LimitExceeded, match="nesting"):
            build(playbook(tool(a="{{ x }}", b=TOO_DEEP, c="{{ x | nope }}")), x=1)
        with pytest.raises(TemplateError):
            build(playbook(tool(a="{{ x | nope }}", b=TOO_DEEP)), x=1)


def test_text_that_is_nested_too_deep_spends_no_fuel():
    with pytest.raises(LimitExceeded, match="nesting"):
        build(playbook(http(a=TOO_DEEP)), Limits(template_fuel=1))


@pytest.mark.parametrize("tool", [http(z=UNSTORABLE), http(z=UNSTORABLE, a="{{ x }}")])
def test_what_cannot_be_stored_in_any_request_is_refused_in_each(tool):
    book = playbook(tool)
    for x in (1, 2):
        with pytest.raises(UnstorableValue) as caught:
            build(book, x=x)
        assert caught.value.faults[0].where == "step 'start', tool.z[0]"


def test_text_that_only_looks_unstorable_is_stored():
    book = playbook(Tool("python", {"code": r"print('\u0000')"}))
    for _ in range(2):
        assert build(book).tool_config.value == {"code": r"print('\u0000')"}


def test_a_step_without_templates_asks_no_engine(monkeypatch):
    book = playbook(http(url="x", retries="3"))
    first = build(book)
    monkeypatch.setattr(builder, "Renderer", None)
    second = build(book, a=1)
    assert second.tool_config is first.tool_config
    assert second.tool_config == Json({"url": "x", "retries": 3})
