"""What the text of a template tells: its variable paths, and whether it is dangerous."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.command.syntax import is_template, read_syntax


@pytest.mark.parametrize("text", ["{{ a }}", "x {{ a }} y", "{% if a %}{% endif %}", "}} {{"])
def test_text_with_both_marks_is_a_template(text):
    assert is_template(text)


@pytest.mark.parametrize("text", ["", "a", "{ a }", "{{ a", "a }}", "{% a", "{# a #}", "{{ %}"])
def test_text_without_a_pair_of_marks_is_none(text):
    assert not is_template(text)


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("{{ a }}", {("a",)}),
        ("{{ a.b.c }} {{ d }}", {("a", "b", "c"), ("d",)}),
        ("{{ a['b'][\"c\"].d }}", {("a", "b", "c", "d")}),
        ("{{ a[0].b }} {{ a.1.c }}", {("a", 0, "b"), ("a", 1, "c")}),
        ("{{ a[b.c].d }}", {("a",), ("b", "c")}),
        ("{{ a.b.get('c') }}", {("a", "b")}),
        ("{{ a.items() }}", {("a",)}),
        ("{{ unknown(a) }}", {("unknown",), ("a",)}),
        ("{{ a | default(b.c) | join(', ') }}", {("a",), ("b", "c")}),
        ("{{ a is defined and b is not none }}", {("a",), ("b",)}),
        ("{{ a if b else not c }}", {("a",), ("b",), ("c",)}),
        ("{{ tojson(indent=width) }}", {("tojson",), ("width",)}),
        ("{{ 'a.b' ~ \"c\" }} {{ 1 + 2.5 }} {{ true }} {{ none }}", set()),
        ("{{ {'k': v, 'l': [w]} }}", {("v",), ("w",)}),
        ("{% for x in xs.all %}{{ x.y }}{{ loop.index }}{% endfor %}", {("xs", "all")}),
        ("{% for k, v in m.items() %}{{ k }}{{ v }}{% endfor %}", {("m",)}),
        ("{% set x = x.y %}{{ x.z }}", {("x", "y")}),
        ("{% set x %}{{ a }}{% endset %}{{ x }}", {("a",)}),
        ("{% with x = a, y = b %}{{ x }}{{ y }}{% endwith %}", {("a",), ("b",)}),
        ("{% macro f(x, y=a) %}{{ x }}{{ y }}{{ b }}{% endmacro %}{{ f(1) }}", {("a",), ("b",)}),
        ("{% if a.b %}{% elif c %}{% endif %}", {("a", "b"), ("c",)}),
        ("{{ range(3) }}{{ dict(a=1) }}{{ namespace() }}{{ cycler([1]) }}", set()),
        ("{# {{ a }} #}{{ b }}", {("b",)}),
        ("{% raw %}{{ a }}{% endraw %}{{ b }}", {("b",)}),
        ("{%- raw -%}{{ a }}{%- endraw -%}{{ b }}", {("b",)}),
        ("{{- a -}}{%- if b +%}{% endif %}", {("a",), ("b",)}),
        ("{{ _prev.données }}", {("_prev", "données")}),
        ("{{ '}}' ~ a }}", {("a",)}),
        ("{{ 'it\\'s' ~ a }}", {("a",)}),
        ("{{ 1e5 ~ 0x1f ~ 1_000 ~ a[1e5].b }}", {("a",)}),
        ("{{ a['\\n'].b }} {{ a[" + "9" * 5000 + "] }}", {("a",)}),
        ("{{ a", {("a",)}),
        ("{{ a $ b }} {{ c }}", {("a",)}),
    ],
)
def test_variable_paths_are_read_as_they_are_written(source, paths):
    assert set(read_syntax(source).paths) == paths


def test_names_are_those_that_may_be_variables():
    syntax = read_syntax("{% set x = a.b %}{{ c | upper }}{{ x }}{{ self }}")
    assert syntax.names == {"x", "a", "c", "self"}


@pytest.mark.parametrize(
    "source",
    [
        "{{ a.b | default('x') | tojson(indent=2) }}",
        "{{ [a, b, {'c': d}] | tojson }}",
        "{{ a + b - c / 2 ~ 'x' }} {{ 60 * 60 * 24 }}",
        "{% for x in xs if x.ok %}{{ loop.index }}{{ x.get('y', 'z').upper() }}{% endfor %}",
        "{% set x = a.b | default('c') %}{% if x %}{{ x }}{% else %}-{% endif %}",
        "{{ xs | map(attribute='a') | join(',') }}{{ xs | map('upper') | list }}",
        "{{ xs | selectattr('n', 'divisibleby', 3) | list }}",
        "{{ range(3) }}{{ dict(a=1) }}",
    ],
)
def test_what_builds_no_more_than_fuel_pays_for_is_tame(source):
    assert read_syntax(source).is_tame


@pytest.mark.parametrize(
    "source",
    [
        "{% set a = [a, a] %}",
        "{% set a = {'x': a, 'y': a} %}",
        "{% set a = (a, a) %}",
        "{% set a = dict(x=a, y=a) %}",
        "{% set a = a + a %}",
        "{% set a = a[::1] %}" * 51,
        "{% for a in [[a, a]] %}{% endfor %}",
        "{% for a in a recursive %}{{ loop(a) }}{% endfor %}",
        "{% for a in b %}{{ loop(a) }}{% endfor %}",
        "{{ a * 1000 }}", "{{ 1000 * a }}", "{{ a.0 * 1000 }}", "{{ [1] * 9 }}", "{{ f(*a) }}",
        "{{ a | batch(9, a) }}", "{{ a | chain(a) }}", "{{ a | slice(9, a) }}",
        "{{ a | map(attribute='x', default=a) }}", "{{ a | map('default', a) }}",
        "{{ '{:>9}'.format(a) }}",
        "{{ a + a + a + a + a + a }}",
        "{{ namespace(a=a) }}", "{{ cycler(a) }}",
        "{% macro f(a) %}{% endmacro %}", "{% call f() %}{% endcall %}",
        "{% with b = a %}{% endwith %}", "{% filter upper %}{% endfilter %}", "{% do a.b() %}",
    ],
)  # fmt: skip
def test_what_can_hold_one_value_many_times_is_not_tame(source):
    assert not read_syntax(source).is_tame


@pytest.mark.parametrize("statement", ["include", "import", "extends", "from"])
def test_other_templates_are_not_available(statement):
    problem = read_syntax(f"{{%- {statement} 'x' %}}").problem
    assert problem == f"{statement} is not available here"


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "not " * 600 + "a }}",
        "{{ a" + ".b" * 600 + " }}",
        "{{ a" + " | abs" * 600 + " }}",
        "{{ a" + " if b else a" * 600 + " }}",
        "{% if a %}" + "{% elif b %}" * 300 + "{% endif %}",
        "{{ 'a' " * 30_000 + " }}",
    ],
)
def test_what_would_exhaust_the_stack_of_the_parser_never_reaches_it(source):
    assert read_syntax(source).problem


def test_many_short_expressions_are_no_problem():
    assert read_syntax("{{ a.b.c }}, " * 2000 + "{{ [" + "1, " * 3000 + "] }}").problem is None


code = st.lists(
    st.sampled_from(
        ["{{", "}}", "{%", "%}", "{#", "#}", "-", "raw", "endraw", "set", "for", "in", "a", ".b",
         "[0]", "['c']", "'", '"', "\\", "(", ")", "|", "=", ",", " ", "\n", "é", "·", "$"]
    )
).map("".join)  # fmt: skip


@given(st.text() | code)
def test_any_text_can_be_read(source):
    syntax = read_syntax(source)
    assert {path[0] for path in syntax.paths} <= syntax.names
