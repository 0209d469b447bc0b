"""From a step and a workload to the command that is stored."""

from __future__ import annotations

import copy

import pytest

from control_plane.command.context import rendering_names
from control_plane.command.templating import Renderer
from control_plane.errors import InvalidPlaybook, LimitExceeded, TemplateError, UnstorableValue
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.model import Loop, Tool
from tests.unit.command.commands import (
    CATALOG_ID,
    EXECUTION_ID,
    LIMITS,
    command_of,
    config_of,
    http,
    pipeline,
)


def test_every_field_of_a_tool_but_its_kind_is_rendered():
    tool = http(
        method="GET",
        url="https://{{ host }}/orders",
        headers={"X-{{ name }}": "{{ name }}", "retries": "3"},
        params=[{"page": "{{ page }}", "all": True}, None, 1.5],
        timeout="30",
    )
    command = command_of(tool, {"host": "example.com", "name": "Trace", "page": 2})
    assert (command.step, command.tool_kind) == ("start", "http")
    assert command.tool_config.value == {
        "method": "GET",
        "url": "https://example.com/orders",
        "headers": {"X-Trace": "Trace", "retries": 3},
        "params": [{"page": 2, "all": True}, None, 1.5],
        "timeout": 30,
    }


def test_keys_are_rendered_as_text():
    assert config_of(http(params={"{{ n }}": 1, "5": 2, "true": 3}), {"n": 7}) == {
        "params": {"7": 1, "5": 2, "true": 3}
    }


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ({"args": {"x": "{{ x }}"}}, {"args": {"x": 1}}),
        ({"input": {"x": "{{ x }}"}}, {"args": {"x": 1}}),
        ({"input": {"y": 2}, "args": {"x": "{{ x }}"}}, {"args": {"x": 1}}),
        ({"input": {"x": "{{ x }}"}, "args": None}, {"args": {"x": 1}}),
        ({"input": None, "url": None, "method": "GET"}, {"method": "GET"}),
        ({"args": {"x": None}}, {"args": {"x": None}}),
        ({}, {}),
    ],
)
def test_arguments_have_one_name_and_null_fields_are_left_out(written, stored):
    assert config_of(http(**written), {"x": 1}) == stored


def test_templates_see_the_workload_in_its_three_forms_and_the_ids():
    tool = http(
        url="{{ a }}{{ workload.a }}{{ ctx.b }}",
        ids="{{ execution_id }}/{{ catalog_id }}",
        execution="{{ execution_id ~ '' }}",
    )
    command = command_of(tool, {"b": "payload"}, workload={"a": "default", "b": "default"})
    assert command.tool_config.value == {
        "url": "defaultdefaultpayload",
        "ids": f"{EXECUTION_ID}/{CATALOG_ID}",
        "execution": EXECUTION_ID,
    }


def test_arguments_of_the_step_are_stored_as_written():
    args = {"x": "{{ x }}", "n": "42", "deep": [{"y": None}]}
    assert command_of(http(), {"x": 1}, args=args).args == Json(args)
    assert command_of(http()).args.value == {}


@pytest.mark.parametrize(
    "secret",
    [
        "{{ keychain.token }}",
        "Bearer {{ keychain['a'].b }}",
        "{% if x %}{{ keychain.a }}{% endif %}",
    ],
)
def test_a_template_that_mentions_the_keychain_is_never_rendered(secret):
    payload = {"keychain": {"token": "leaked", "a": {"b": "leaked"}}, "x": 1}
    tool = http(auth=secret, headers={secret: [secret, "{{ x }}"]})
    assert config_of(tool, payload) == {"auth": secret, "headers": {secret: [secret, 1]}}
    assert config_of(pipeline(a=tool), payload) == [
        {"a": {"kind": "http", "auth": secret, "headers": {secret: [secret, 1]}}}
    ]


def test_text_that_mentions_the_keychain_is_text():
    assert config_of(http(note="keychain", n=" 42 ")) == {"note": "keychain", "n": 42}


def test_a_pipeline_becomes_a_task_sequence_of_labelled_tools():
    command = command_of(
        pipeline(fetch=http(url="{{ host }}"), store=Tool("postgres", {"query": "SELECT {{ n }}"})),
        {"host": "example.com", "n": 1},
    )
    assert command.tool_kind == "task_sequence"
    assert command.tool_config.value == [
        {"fetch": {"kind": "http", "url": "example.com"}},
        {"store": {"kind": "postgres", "query": "SELECT 1"}},
    ]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ({"set": {"a": "{{ a }}", "n": "1"}}, {"set": {"a": "{{ a }}", "n": "1"}}),
        ({"spec": {"policy": ["{{ a }}"]}}, {"spec": {"policy": ["{{ a }}"]}}),
        ({"command": "42"}, {"command": "42"}),
        ({"command": ["{{ a }}", "42"]}, {"command": ["{{ a }}", "42"]}),
        ({"args": {"a": "{{ a }}"}}, {"input": {"a": "{{ a }}"}}),
        ({"input": {"a": "{{ a }}", "n": "1"}}, {"input": {"a": "{{ a }}", "n": "1"}}),
        ({"input": {"b": 1}, "args": {"a": "{{ a }}"}}, {"input": {"a": "{{ a }}"}}),
        ({"input": {"b": 1}, "args": None, "spec": None}, {"input": {"b": 1}}),
        (
            {"params": {"command": "{{ a }}", "input": "42"}},
            {"params": {"command": 1, "input": 42}},
        ),
    ],
)
def test_blocks_for_run_time_are_kept_as_written_in_a_pipeline(written, stored):
    assert config_of(pipeline(task=http(**written)), {"a": 1}) == [
        {"task": {"kind": "http", **stored}}
    ]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("{{ known }}", 1),
        ("{{ nothing }}", None),
        ("{{ deep.nothing }}", None),
        ("{{ ctx.known }}/{{ workload.deep.x }}/{{ execution_id }}", f"1/2/{EXECUTION_ID}"),
        ("{{ deep.get('x') }}", 2),
        ("{% for i in range(2) %}{{ loop.index }}{% endfor %}", 12),
        ("{% for i in list %}{{ i }}{% endfor %}", 34),
        ("no template", "no template"),
        ("42", 42),
        ("{{ _prev.id }}", ...),
        ("{{ fetch.data[0].id }}", ...),
        ("{{ known }} and {{ _results.fetch }}", ...),
        ("{{ deep.missing }}", ...),
        ("{{ deep['missing'] }}", ...),
        ("{{ ctx.missing }}", ...),
        ("{{ list[2] }}", ...),
        ("{{ missing | default('x') }}", ...),
        ("{% if missing is defined %}x{% endif %}", ...),
        ("{{ helper(known) }}", ...),
    ],
)
def test_in_a_pipeline_what_the_context_does_not_hold_is_left_to_run_time(text, stored):
    payload = {"known": 1, "nothing": None, "deep": {"x": 2, "nothing": None}, "list": [3, 4]}
    expected = text if stored is ... else stored
    assert config_of(pipeline(task=http(url=text, nested=[{"x": text}])), payload) == [
        {"task": {"kind": "http", "url": expected, "nested": [{"x": expected}]}}
    ]


def test_in_a_single_tool_what_the_context_does_not_hold_is_empty():
    assert config_of(http(url="{{ _prev.id }}", note="<{{ _prev.id }}>")) == {
        "url": None,
        "note": "<>",
    }


def test_a_loop_on_the_first_step_is_refused_with_a_way_out():
    with pytest.raises(InvalidPlaybook, match="put it in a second step"):
        command_of(http(), loop=Loop("item", "{{ items }}"))


@pytest.mark.parametrize(
    ("tool", "field"),
    [
        (http(url="{{ x | nope }}"), "tool.url"),
        (http(args={"items": [0, 1, 2, "{{ x | nope }}"]}), "tool.args.items[3]"),
        (http(input={"a": {"b": "{{ x | nope }}"}}), "tool.input.a.b"),
        (http(headers={"{{ x | nope }}": 1}), "tool.headers.{{ x | nope }}"),
        (pipeline(fetch=http(url="{{ x | nope }}")), "tool[fetch].url"),
        (pipeline(a=http(), b=http(params=[{"q": "{{ x | nope }}"}])), "tool[b].params[0].q"),
    ],
)
def test_a_template_error_names_step_field_and_reason(tool, field):
    with pytest.raises(TemplateError) as caught:
        command_of(tool, {"x": "the value"})
    error = caught.value
    assert (error.step, error.field) == ("start", field)
    assert error.message.endswith("unknown filter: filter nope is unknown (line 1)")
    assert "the value" not in error.message


def test_names_in_a_message_are_cut_short():
    with pytest.raises(TemplateError) as caught:
        command_of(http(**{"x" * 5000: {"y" * 5000: "{{ a | nope }}"}}))
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        (http(url="{{ '\\0' }}x"), "step 'start', tool.url"),
        (http(body=["{{ text }}"]), "step 'start', tool.body[0].a"),
        (pipeline(fetch=http(url="x{{ '\\0' }}")), "step 'start', tool[fetch].url"),
        (http(params={"x{{ '\\0' }}": 1}), "step 'start', tool.params"),
    ],
)
def test_a_value_that_cannot_be_stored_is_refused_with_its_place(tool, place):
    with pytest.raises(UnstorableValue) as caught:
        command_of(tool, {"text": '{"a": "\\ud800"}'})
    assert caught.value.faults[0].where == place


def test_a_rendered_string_over_its_limit_names_field_limit_and_size():
    limits = Limits(string_bytes=100)
    with pytest.raises(LimitExceeded, match=r"field 'tool\.url'.*limit is 100, found 101"):
        command_of(http(url="{{ x }}"), {"x": "x" * 101}, limits=limits)


def test_the_context_counts_the_workload_twice():
    payload = {"x": "é" * 100}
    size = len(Json({"url": "u"}).text) + len("{}") + 2 * len(Json(payload).text.encode())
    command_of(http(url="u"), payload, limits=Limits(context_bytes=size))
    with pytest.raises(LimitExceeded, match=f"limit is {size - 1}, found {size}"):
        command_of(http(url="u"), payload, limits=Limits(context_bytes=size - 1))


def test_a_value_that_is_nested_too_deep_is_over_a_limit():
    deep = "[" * (LIMITS.depth + 1) + "]" * (LIMITS.depth + 1)
    with pytest.raises(LimitExceeded, match="nesting"):
        command_of(http(body="{{ x }}"), {"x": deep})


def test_nothing_that_goes_in_is_changed():
    tool = http(url="{{ x.a }}", headers={"{{ x.b }}": ["{{ x }}"]}, args={"n": "1"})
    workload, payload, args = {"d": {"e": 1}}, {"x": {"a": 1, "b": "k"}}, {"y": ["{{ x }}"]}
    before = copy.deepcopy((tool.config, workload, payload, args))
    command_of(tool, payload, workload=workload, args=args)
    command_of(pipeline(a=tool), payload, workload=workload, args=args)
    assert (tool.config, workload, payload, args) == before


def test_a_payload_that_no_template_names_is_not_even_looked_at():
    class Untouchable(dict):
        def __getitem__(self, key):
            raise AssertionError(key)

        get = items = keys = values = __iter__ = __getitem__

    workload = Json({"host": "example.com", "big": Untouchable(a=1)})
    renderer = Renderer(rendering_names(workload, 1, 2), LIMITS)
    text = renderer.text("{{ host }}{{ workload.host }}{{ ctx.host | upper }}")
    assert text == "example.comexample.comEXAMPLE.COM"
