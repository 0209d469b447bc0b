"""Whatever the template and whatever the payload: rendering fails in known ways alone."""

from __future__ import annotations

import copy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from control_plane.command.templating import check_template
from control_plane.errors import LimitExceeded, TemplateError, UnstorableValue
from control_plane.json_text import Json
from tests.unit.command.commands import command_of, config_of, http, pipeline

# Postgres takes neither NUL nor lone surrogates; the latter are no part of `st.text` anyway.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "items", "get", ""]) | texts, inner, max_size=4)
    ),
    max_leaves=12,
)
payloads = st.dictionaries(
    st.sampled_from(["a", "b", "items", "self", "range", "keys", "loop", "name", "source"]),
    values,
    max_size=6,
)
operands = st.sampled_from(
    ["a", "a.x", "b[0]", "items", "self", "a.items()", "b.get('x')", "none", "true", "1", "1.5",
     "'t'", "range(3)", "[a, b]", "{'k': a}", "(a,)", "dict(x=a)", "workload", "ctx.a", "loop",
     "a['x'].y", "b[1:]", "missing.a", "-a", "not b", "namespace(x=a)", "cycler([a])"]
)  # fmt: skip
pipes = st.sampled_from(
    ["abs", "b64decode", "b64encode", "batch(2)", "bool", "count", "default('d')", "dictsort",
     "escape", "first", "float", "fromjson", "get('x')", "indent", "int", "items", "join(',')",
     "keys", "last", "length", "lines", "list", "lower", "map('string')", "map(attribute='x')",
     "max", "min", "pprint", "replace('a', b)", "reverse", "round", "safe", "select", "slice(2)",
     "sort", "split", "string", "sum", "title", "tojson", "tojson(indent=2)", "trim", "unique",
     "upper", "urlencode", "values", "format(a)", "groupby('x')", "zip(a)", "chain(a)", "nope"]
)  # fmt: skip
operators = st.sampled_from(
    ["+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "or", "is", "if", "|"]
)
expressions = st.lists(operands | pipes | operators, min_size=1, max_size=7).map(" ".join) | (
    st.tuples(operands, pipes, operators, operands, pipes).map(
        lambda parts: "{} | {} {} {} | {}".format(*parts)
    )
)
templates = st.lists(
    st.one_of(
        expressions.map(lambda code: f"{{{{ {code} }}}}"),
        expressions.map(lambda code: f"{{% if {code} %}}y{{% else %}}n{{% endif %}}"),
        expressions.map(lambda code: f"{{% for i in {code} %}}{{{{ i }}}},{{% endfor %}}"),
        expressions.map(lambda code: f"{{% set s = {code} %}}{{{{ s }}}}"),
        st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "text ", '{"a": ', "}", "[1, ", "]"]),
        st.text(max_size=5),
    ),
    max_size=4,
).map("".join)


@given(templates, payloads)
@example("{{ a }}", {"a": {"x": None}})
@example("{{ [1e308 * 10] }}", {})
def test_a_command_is_built_or_refused_whatever_the_template(source, payload):
    before = copy.deepcopy(payload)
    for tool in (http(url=source, headers={source: source}), pipeline(task=http(url=source))):
        try:
            command = command_of(tool, payload)
        except (TemplateError, LimitExceeded, UnstorableValue):
            continue
        assert command.tool_config == Json(command.tool_config.value)
    assert payload == before


@given(templates)
def test_a_template_that_renders_was_not_warned_of(source):
    try:
        config_of(http(url=source))
    except (TemplateError, LimitExceeded, UnstorableValue):
        return
    assert check_template(source) is None


@given(st.text())
def test_any_text_is_checked_without_an_error(text):
    check_template(text)
    check_template("{{" + text + "}}")
    check_template("{%" + text + "%}")


@given(st.lists(values, max_size=4) | st.dictionaries(texts, values, max_size=4))
def test_objects_and_lists_survive_a_lone_expression(value):
    assert config_of(http(body="{{ x }}", again="{{ workload.x | tojson }}"), {"x": value}) == {
        "body": value,
        "again": value,
    }


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_a_lone_expression(number):
    assert config_of(http(body="{{ x }}"), {"x": number}) == {"body": number}


@pytest.mark.parametrize("text", ["é", "\n", "'", '"', "\\", "<&>", "\u2028", "🙂", "{{", "%}"])
def test_text_is_printed_as_it_is(text):
    assert config_of(http(body="<{{ x }}>"), {"x": text}) == {"body": f"<{text}>"}
