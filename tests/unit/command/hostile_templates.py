"""Templates that would run for ever, grow for ever, or end the process. Run as a script.

The script renders each under a ceiling on this process's memory and prints, as JSON, how each one
ended and by how much the process has grown.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MIB = 1024 * 1024
CEILING = 512 * MIB
SECONDS = 0.3
"""Of a process of its own; most hostile templates use it up."""

ROWS = [{"id": n, "name": "x" * 20} for n in range(5_000)]
NAMES: dict[str, Any] = {"w": ROWS, "v": [dict(row) for row in ROWS], "a": 1, "text": "x" * 100_000}

TEMPLATES = {
    "a string of a gigabyte": "{{ 'a' * 10**9 }}",
    "strings that double": "{% set ns = namespace(s='a') %}{% for i in range(60) %}"
    "{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
    "a range of a billion": "{{ range(10**9) }}",
    "ten million rounds": "{% for i in range(10000) %}{% for j in range(1000) %}x"
    "{% endfor %}{% endfor %}",
    "output that grows": "{% for i in range(100000) %}{{ text }}{% endfor %}",
    "output of objects that grows": "{% for i in range(100000) %}{{ w }}{% endfor %}",
    "a list that holds itself twice, thirty times": "{% set a = [1] %}"
    + "{% set a = [a, a] %}" * 30
    + "{{ a }}",
    "the same, joined": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 30 + "{{ a ~ '' }}",
    "the same, compared": "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 30
    + "{{ a == b }}",
    "the same with maps": "{% set a = {} %}" + "{% set a = dict(a=a, b=a) %}" * 40 + "{{ a }}",
    "the same by loops": "{% for a in [[w, w]] %}"
    + "{% for a in [[a, a]] %}" * 40
    + "{{ a }}"
    + "{% endfor %}" * 41,
    "the same by a macro": "{% macro f(a, n) %}{% if n %}{{ f([a, a], n - 1) }}{% else %}{{ a }}"
    "{% endif %}{% endmacro %}{{ f(1, 60) }}",
    "the same by a default": "{{ w | map(attribute='q', default=(w | map(attribute='q', "
    "default=(w | map(attribute='q', default=w))))) }}",
    "lists that double": "{% set a = w %}" + "{% set a = a + a %}" * 40 + "{{ a | length }}",
    "lists that double in a loop": "{% set ns = namespace(a=w) %}{% for i in range(60) %}"
    "{% set ns.a = ns.a + ns.a %}{% endfor %}{{ ns.a | length }}",
    "a list times a hundred million": "{{ [1] * 100000000 }}",
    "lists that are chained": "{{ (" + "w + " * 200 + "w) ~ '' }}",
    "nesting without end": "{% set ns = namespace(a=[]) %}{% for i in range(20000) %}"
    "{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}",
    "a macro that calls itself": "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "a loop that calls itself": "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "a width of a billion": "{{ '%1000000000s' | format('a') }}",
    "the same by a method": "{{ '{:>1000000000}'.format('a') }}",
    "an indent of a billion": "{{ 'a\nb' | indent(1000000000) }}",
    "an indent of json": "{{ w | tojson(indent=10**9) }}",
    "a batch of a billion": "{{ [1] | batch(1000000000, 'x') }}",
    "a replacement that multiplies": "{{ text | replace('x', text) }}",
    "a separator that multiplies": "{{ range(100000) | join(text) }}",
    "the same by methods": "{{ text.replace('x', text) }}{{ text.join(range(100000)) }}",
    "a split into a million": "{{ ('a ' * 10000000) | split }}",
    "comparisons of everything": "{% for i in range(100000) %}{% if w == v %}{% endif %}"
    "{% endfor %}",
    "json again and again": "{% for i in range(100000) %}{% if w | tojson %}{% endif %}"
    "{% endfor %}",
    "everything in everything": "{{ w | select('in', v) | list }}",
    "json that is deep": "{{ ('[' * 100000) | fromjson }}",
    "a number of a million digits": "{{ 10 ** 1000000 }}",
    "not not not": "{{ " + "not " * 9000 + "a }}",
    "minus minus minus": "{{ " + "-" * 9000 + "1 }}",
    "plus plus plus": "{{ " + "1 + " * 9000 + "1 }}",
    "brackets in brackets": "{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}",
    "attributes of attributes": "{{ a" + ".b" * 9000 + " }}",
    "filters of filters": "{{ a" + " | abs" * 9000 + " }}",
    "elif after elif": "{% if a %}" + "{% elif a %}" * 9000 + "{% endif %}",
    "ifs in ifs": "{% if a %}" * 9000 + "{% endif %}" * 9000,
    "a million brackets": "{{ " + "(" * 1_000_000 + " }}",
}


def peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    from control_plane.command import templating
    from control_plane.limits import Limits

    templating.ISOLATED_SECONDS = SECONDS
    resource.setrlimit(resource.RLIMIT_AS, (CEILING, CEILING))
    before = peak()
    ends = {}
    for name, source in TEMPLATES.items():
        templating.check_template(source)
        try:
            templating.Renderer(NAMES, Limits()).text(source)
            ends[name] = "rendered"
        except Exception as error:
            ends[name] = type(error).__name__
    json.dump({"ends": ends, "growth": peak() - before}, sys.stdout)


if __name__ == "__main__":
    main()
