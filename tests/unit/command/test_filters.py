"""The filters beyond the engine's own."""

from __future__ import annotations

import pytest

from control_plane.command.failures import RenderingFailed
from tests.unit.command.commands import text_of

NAMES = {
    "text": "héllo wörld",
    "yes": True,
    "nothing": None,
    "list": [1, "two", None, True, [3], {"four": 4}],
    "map": {"b": 1, "a": None, "c": {"d": [2]}},
    "rows": [{"n": "x", "in": {"k": 1}}, {"n": None}, {}],
    "json": '{"k": [1, null, {"z": true}]}',
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ text | b64encode }}", "aMOpbGxvIHfDtnJsZA=="),
        ("{{ 42 | b64encode }} {{ yes | b64encode }} [{{ missing | b64encode }}]",
         "NDI= dHJ1ZQ== []"),
        ("{{ text | b64encode | b64decode }}", "héllo wörld"),
        ("{{ map | tojson }}", '{"b": 1, "a": null, "c": {"d": [2]}}'),
        ("{{ text | tojson }} {{ nothing | tojson }} {{ yes | tojson }}",
         '"héllo wörld" null true'),
        ("{{ [map, (1, 2)] | tojson }}", '[{"b": 1, "a": null, "c": {"d": [2]}}, [1, 2]]'),
        ("{{ '<&>' | tojson }}", '"<&>"'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        ("{{ [1] | tojson(true) }}", "[\n  1\n]"),
        ("{{ (json | fromjson).k[2].z }} {{ ('[1]' | fromjson)[0] + 1 }}", "true 2"),
        ("{{ nothing | default('d') }} {{ missing.a | default('d') }} [{{ missing | default }}]",
         "d d []"),
        ("{{ '' | default('d') }}{{ '' | default('d', true) }}{{ 0 | d(7, boolean=true) }}", "d7"),
        ("{{ text | default('d') }} {{ map.c | default({}) }}", 'héllo wörld {"d": [2]}'),
        ("{{ '42' | int + 1 }} {{ '3.9' | int }} {{ yes | int }} {{ 'x' | int(5) }}", "43 3 1 5"),
        ("{{ '1.5' | float + 1 }} {{ 2 | float }} {{ 'x' | float(0.5) }}", "2.5 2.0 0.5"),
        ("{{ yes | string }} {{ map.c | string }} {{ 1.5 | string }}", 'true {"d": [2]} 1.5'),
        ("{{ 'a,b,,c' | split(',') }} {{ ' a  b ' | split }} {{ 'a-b-c' | split('-', 1) }}",
         '["a", "b", "", "c"] ["a", "b"] ["a", "b-c"]'),
        ("{{ list | join('|') }}", '1|two||true|[3]|{"four": 4}'),
        ("{{ 'abc' | join('-') }} {{ map | join(',') }} [{{ missing | join }}]", "a-b-c b,a,c []"),
        ("{{ rows | join(',', attribute='n') }} {{ rows | join(d='/', attribute='in.k') }}",
         "x,, 1//"),
        ("{{ list | first }} {{ list | last }} {{ 'abc' | first }}", '1 {"four": 4} a'),
        ("{{ list | length }} {{ map | length }} {{ text | length }} {{ missing | length }}",
         "6 3 11 0"),
        ("{{ list | count }} {{ range(7) | length }}", "6 7"),
        ("{{ map | keys }} {{ map | values }}", '["b", "a", "c"] [1, null, {"d": [2]}]'),
        ("{{ map | items }}", '[["b", 1], ["a", null], ["c", {"d": [2]}]]'),
        ("{% for k, v in map | items %}{{ k }}{{ v }};{% endfor %}", 'b1;a;c{"d": [2]};'),
        ("{{ map | get('b') }} {{ map | get('z', 'd') }}", "1 d"),
        ("{{ list | get(1) }} {{ list | get(99, 0) }} [{{ missing | get('a') }}]", "two 0 []"),
        ("{{ '<b>' | safe }}{{ list | safe | length }}", "<b>6"),
        ("{{ map | dictsort | map('first') | join }}", "abc"),
        ("{{ '<b>' | escape }} {{ 'a' | upper }} {{ ' a ' | trim }}", "&lt;b&gt; A a"),
        ("{{ list | reverse | first }} {{ [3, 1, 2] | sort }}", '{"four": 4} [1, 2, 3]'),
    ],
)  # fmt: skip
def test_filters(source, text):
    assert text_of(source, NAMES) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ '*' | b64decode }}", "{{ '/w==' | b64decode }}", "{{ 'é' | b64decode }}",
        "{{ text | fromjson }}", "{{ 'NaN' | fromjson }}", "{{ missing | fromjson }}",
        "{{ list | tojson(indent=1000) }}", "{{ list | tojson(indent='x') }}",
        "{{ list | tojson(indent=-1) }}", "{{ 1e308 * 10 | tojson }}", "{{ [1e308 * 10] }}",
        "{{ 'a' | split('') }}", "{{ 'a' | split(',', 'x') }}", "{{ 42 | join }}",
        "{{ 42 | length }}", "{{ list | keys }}", "{{ text | values }}", "{{ list | items }}",
        "{{ list | default(1, 2, 3, 4) }}", "{{ range('x') }}", "{{ range(1, 9, 0) }}",
        "{{ range(100001) }}", "{{ range(10 ** 30) }}",
    ],
)  # fmt: skip
def test_what_a_filter_cannot_take_fails_the_template(source):
    with pytest.raises(RenderingFailed):
        text_of(source, NAMES)
