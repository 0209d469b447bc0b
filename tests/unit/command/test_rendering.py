"""What a template prints, row by row; the context is JSON."""

from __future__ import annotations

import copy

import pytest

from control_plane.command.failures import OutputTooLong, RenderingFailed
from control_plane.command.templating import Renderer, check_template
from control_plane.errors import LimitExceeded
from control_plane.limits import Limits
from tests.unit.command.commands import LIMITS, text_of, value_of

NAMES = {
    "host": "example.com",
    "count": 3,
    "ratio": 0.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "tags": ["a", None, {"x": "y"}],
    "user": {"name": "Ada", "nickname": None, "roles": ["admin"], "get": "a key"},
    "rows": [{"id": 1, "n": "one"}, {"id": 2, "n": "two"}, {"id": 3, "n": None}],
    "json": '{"k": [1, 2]}',
    "draft": "[draft]",
    "braces": "{{ host }}",
    "self": "myself",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ host }}", "example.com"),
        ("https://{{ host }}/{{ count }}?r={{ ratio }}", "https://example.com/3?r=0.5"),
        ("{{ count }}", 3),
        ("{{ ratio }}", 0.5),
        ("{{ yes }}", True),
        ("{{ tags }}", ["a", None, {"x": "y"}]),
        ("{{ user }}", NAMES["user"]),
        ("{{ json }}", {"k": [1, 2]}),
        ("{{ draft }}", "[draft]"),
        ("{{ braces }}", "{{ host }}"),
        (" {{ count }} ", 3),
        (" {{ host }} ", " example.com "),
        ("{{ self }}", "myself"),
        ("{{ user.roles[0] }}{{ user['name'] }}", "adminAda"),
        ("line\n{{ host }}\n", "line\nexample.com"),
    ],
)
def test_a_lone_expression_gives_its_value_and_longer_text_gives_text(source, value):
    assert value_of(source, NAMES) == value


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a {{ yes }} b {{ no }}", "a true b false"),
        ("a {{ user.roles }} {{ tags }}", 'a ["admin"] ["a", null, {"x": "y"}]'),
        ("{{ {'a': yes, 'b': [nothing, tags]} }}!",
         '{"a": true, "b": [null, ["a", null, {"x": "y"}]]}!'),
        ("[{{ nothing }}{{ missing }}]", "[]"),
        ("{{ 'é' }} {{ ['é'] }}", 'é ["é"]'),
        ("{{ (1, 2) }}!", "[1, 2]!"),
        ("{{ rows | map(attribute='id') | list }}!", "[1, 2, 3]!"),
    ],
)  # fmt: skip
def test_inside_text_values_print_as_json(source, text):
    assert text_of(source, NAMES) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ missing }}", "{{ missing.a.b.c }}", "{{ missing['a'][0] }}", "{{ host.a.b }}",
        "{{ nothing.a.b }}", "{{ user.nickname.a }}", "{{ tags[1].a }}", "{{ tags[9] }}",
        "{% for x in missing %}x{% endfor %}", "{% for x in nothing %}x{% endfor %}",
        "{% if nothing or missing or user.nickname %}x{% endif %}",
        "{{ missing | string }}", "{{ nothing | upper }}", "{{ nothing ~ user.nickname }}",
        "{{ user | get('missing') }}", "{{ user.get('nickname') }}",
    ],
)  # fmt: skip
def test_undefined_and_null_chain_and_print_nothing(source):
    assert text_of(source, NAMES) == ""
    assert value_of(source, NAMES) is None


@pytest.mark.parametrize("name", sorted(n for n in dir(dict) if not n.startswith("_")))
def test_a_variable_that_is_missing_is_not_a_method_of_the_context(name):
    source = f"{{{{ {name} is defined }}}} {{{{ {name} | default('d') }}}} [{{{{ {name} ~ '' }}}}]"
    assert text_of(source) == "false d []"
    assert text_of(source, {name: None}) == "false d []"
    assert text_of(source, {name: 1}) == "true 1 [1]"


@pytest.mark.parametrize(
    "source",
    [
        "{{ user.items }}", "{{ user.keys }}", "{{ user.clear }}", "{{ tags.append }}",
        "{{ tags.index }}", "{{ tags.count }}", "{{ user.values.x }}",
        "{{ range }}", "{{ dict }}", "{{ namespace }}", "{{ cycler }}", "{{ joiner }}",
        "{% macro m() %}x{% endmacro %}{{ m }}", "{{ debug }}",
    ],
)  # fmt: skip
def test_functions_and_methods_print_nothing(source):
    assert text_of(source, NAMES) == ""


def test_a_text_that_looks_like_a_macro_is_printed():
    assert text_of("{{ x }}", {"x": "<macro m>"}) == "<macro m>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ user.__class__ }}", "{{ tags.__class__.__mro__ }}", "{{ ''.__class__ }}",
        "{{ user._value }}", "{{ tags._allowance }}", "{{ user.get.__func__ }}",
        "{{ user | attr('__class__') }}", "{{ user['__class__'] }}", "{{ range.__globals__ }}",
        "{{ rows | map(attribute='__class__') | join }}", "{{ __builtins__ }}",
    ],
)  # fmt: skip
def test_nothing_of_python_can_be_reached(source):
    assert text_of(source, NAMES) == ""


@pytest.mark.parametrize(
    "source",
    [
        "{{ user.clear() }}", "{{ user.pop('name') }}", "{{ user.update(a=1) }}",
        "{{ user.setdefault('z', 1) }}", "{{ tags.append(1) }}", "{{ tags.clear() }}",
        "{{ tags.sort() }}", "{{ tags.extend(tags) }}", "{{ clear() }}", "{{ pop('user') }}",
        "{{ user.items().append(1) }}", "{{ user.values().clear() }}",
        "{{ user.roles.append(1) }}", "{{ ('a,b' | split(',')).append(1) }}",
        "{{ (json | fromjson).update(a=1) }}", "{{ user.__setitem__('a', 1) }}",
        "{{ user.__class__() }}", "{{ debug() }}", "{{ include('x') }}",
    ],
)  # fmt: skip
def test_nothing_can_be_changed(source):
    names = copy.deepcopy(NAMES)
    with pytest.raises(RenderingFailed):
        text_of(source, names)
    assert names == NAMES


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ nothing is defined }} {{ nothing is undefined }}", "false true"),
        ("{{ missing is defined }} {{ host is defined }}", "false true"),
        ("{{ user.nickname is defined }} {{ user.name is not defined }}", "false false"),
        ("{{ nothing is none }} {{ user.nickname is none }} {{ host is none }}",
         "true true false"),
        ("{{ host is string }} {{ count is string }}", "true false"),
        ("{{ count is number }} {{ ratio is number }} {{ host is number }}", "true true false"),
        ("{{ tags is sequence }} {{ user is sequence }}", "true false"),
        ("{{ user is mapping }} {{ tags is mapping }}", "true false"),
        ("{{ count is odd }} {{ host is startingwith('ex') }}", "true true"),
    ],
)  # fmt: skip
def test_the_tests(source, text):
    assert text_of(source, NAMES) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ user.get('name') }} {{ user.get('z', 'd') }}", "Ada d"),
        ("{% for k, v in user.items() %}{{ k }}={{ v }};{% endfor %}",
         'name=Ada;nickname=;roles=["admin"];get=a key;'),
        ("{{ user.keys() }}!", '["name", "nickname", "roles", "get"]!'),
        ("{{ user.values() }}!", '["Ada", null, ["admin"], "a key"]!'),
        ("{{ user.get }} {{ user['get'] }}", "a key a key"),
        ("{{ host.upper() }} {{ 'a-b'.split('-') }} {{ host.startswith('ex') }}",
         'EXAMPLE.COM ["a", "b"] true'),
        ("{{ tags[0:2] }} {{ tags[-1].x }} {{ tags | length }}", '["a", null] y 3'),
        ("{{ tags == ['a'] }} {{ user == user }} {{ user.roles == ['admin'] }}", "false true true"),
        ("{{ 'name' in user }} {{ 'a' in tags }} {{ 'x' in host }}", "true true true"),
        ("{{ user.roles + ['x'] }}", '["admin", "x"]'),
        ("{% for r in rows if r.n %}{{ loop.index }}{{ r.n }} {% endfor %}", "1one 2two "),
        ("{% set n = namespace(l=[]) %}{% for r in rows %}{% set n.l = n.l + [r.id * 2] %}"
         "{% endfor %}{{ n.l }}", "[2, 4, 6]"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('a') }}{{ m(yes) }}", "<a><true>"),
        ("{{ 2 ** 10 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 60 * 60 }}", "1024 3 3 3600"),
        ("{{ range(3) }} {{ range(1, 6, 2) }} {{ range(3, 0, -1) }}",
         "[0, 1, 2] [1, 3, 5] [3, 2, 1]"),
        ("{{ dict(a=1) }}", '{"a": 1}'),
        ("{{ count if yes else host }}", "3"),
    ],
)  # fmt: skip
def test_what_the_engine_brings(source, text):
    assert text_of(source, NAMES) == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ a", "syntax error"),
        ("{% for %}", "syntax error"),
        ("{% nonsense %}", "unknown statement nonsense"),
        ("{{ host | nonsense }}", "unknown filter: filter nonsense is unknown (line 1)"),
        ("\n{{ host is nonsense }}", "unknown test: test nonsense is unknown (line 2)"),
        ("{{ nonsense() }}", "unknown function: nonsense is unknown"),
        ("{{ host | int }}", "invalid float literal"),
        ("{{ user.pop('name') }}", "unknown method of an object or a list"),
        ("{{ user.get() }}", "does not take these arguments"),
        ("{{ host - 1 }}", "unsupported types string and number"),
        ("{{ secret_number // 0 }}", "unable to calculate with these operands"),
        ("{% include 'x' %}", "include is not available here"),
    ],
)
def test_the_reason_says_what_is_wrong_and_repeats_no_value(source, reason):
    with pytest.raises(RenderingFailed) as caught:
        text_of(source, NAMES | {"secret_number": 271828})
    assert reason in caught.value.reason
    assert "271828" not in caught.value.reason
    assert "example.com" not in caught.value.reason


def test_a_reason_is_one_short_line():
    with pytest.raises(RenderingFailed) as caught:
        text_of("{{ x | " + "nonsense" * 1000 + " }}")
    assert len(caught.value.reason) <= 200
    assert "\n" not in caught.value.reason


def test_a_rendered_string_may_be_as_long_as_the_limit_in_bytes():
    limits = Limits(string_bytes=10)
    assert text_of("{{ x }}", {"x": "é" * 5}, limits) == "é" * 5
    with pytest.raises(OutputTooLong) as caught:
        text_of("{{ x }}!", {"x": "é" * 5}, limits)
    assert caught.value.size == 11


def test_one_command_may_render_no_more_than_its_context_may_hold():
    renderer = Renderer({"x": "x" * 400}, Limits(context_bytes=1000))
    renderer.text("{{ x }}")
    renderer.text("{{ x }}")
    with pytest.raises(LimitExceeded, match="the limit is 1000"):
        renderer.text("{{ x }}")


def test_templates_of_one_command_share_its_fuel():
    renderer = Renderer({}, Limits(template_fuel=100_000))
    loop = "{% for i in range(10000) %}{{ i }}{% endfor %}"
    renderer.text(loop)
    with pytest.raises(RenderingFailed, match="ran out of fuel"):
        renderer.text(loop)


def test_a_command_may_have_thousands_of_templates():
    renderer = Renderer({"x": {"y": 1}}, LIMITS)
    assert {renderer.text("{{ x.y }}-" + str(n % 3000)) for n in range(5000)} >= {"1-0", "1-2999"}


def test_a_loop_over_ten_thousand_items_is_no_problem():
    names = {"items": [{"id": n, "name": "x"} for n in range(10_000)]}
    source = (
        "{% for i in items %}{% if i.id is odd %}{{ i.name }}{{ i.id }},{% endif %}{% endfor %}"
    )
    assert text_of(source, names).count(",") == 5_000


def test_the_same_source_renders_anew_for_each_context():
    source = "{{ items | default('none') }}"
    texts = [text_of(source, names) for names in ({}, {"items": 1}, {"items": None}, {"items": 2})]
    assert texts == ["none", "1", "none", "2"]


@pytest.mark.parametrize("text", ["plain", "", "{ not a template }", "{{ a.b | default('x') }}"])
def test_text_that_parses_is_not_warned_of(text):
    assert check_template(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ a | }}", "syntax error"),
        ("{% if a %}{{ b }}", "syntax error"),
        ("{% include 'x' %}", "include is not available here"),
        ("{{ " + "not " * 100_000 + "a }}", "more than 20000 tokens"),
        ("{{ " + "(" * 400 + ")" * 400 + " }}", "exceeds maximum recursion limits"),
    ],
)
def test_text_that_does_not_parse_is_warned_of(text, reason):
    assert reason in (check_template(text) or "")
