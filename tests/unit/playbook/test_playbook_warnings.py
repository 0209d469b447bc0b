from __future__ import annotations

from control_plane.limits import Limits
from control_plane.playbook.loader import load
from control_plane.playbook.warnings import MOST_WARNINGS, find_warnings
from tests.unit.playbook.documents import MINIMAL, WEATHER, document, step


def warnings_of(*steps, **options):
    return find_warnings(load(document(*steps), Limits()), **options)


def test_a_sound_playbook_has_no_warnings():
    assert find_warnings(load(MINIMAL, Limits())) == []
    assert find_warnings(load(WEATHER, Limits()), lambda text: None) == []


def test_an_unknown_kind_is_a_warning_wherever_it_is():
    tasks = [{"a": {"kind": "noop"}}, {"b": {"kind": "Http"}}]
    assert warnings_of(step(tool={"kind": "teleport"}, next="p"), step("p", tool=tasks)) == [
        "Step 'start': tool.kind 'teleport' is not known",
        "Step 'p': tool[1].kind 'Http' is not known",
    ]


def test_an_unreachable_step_is_a_warning():
    steps = [step(next="a"), step("a", next="start"), step("b", next="c"), step("c")]
    assert warnings_of(*steps) == [
        "Step 'b': cannot be reached from step 'start'",
        "Step 'c': cannot be reached from step 'start'",
    ]


def test_a_step_that_is_jumped_to_is_reachable():
    jump = {"expr": "{{ x }}", "do": "jump", "target": "a"}
    assert warnings_of(step(tool={"kind": "http", "eval": [jump]}), step("a")) == []


def test_a_loop_on_start_is_a_warning():
    assert warnings_of(step(loop={"in": "{{ x }}", "iterator": "i"})) == [
        "Step 'start': loop is refused at execute on the first step; put it into a second step"
    ]


def test_each_text_with_a_template_is_checked_and_named():
    asked = []

    def check(text):
        asked.append(text)
        return "unexpected end" if "{{ broken" in text else None

    tool = {"kind": "http", "url": "{{ a }}", "params": {"q": ["plain", "{% if b %}{% endif %}"]}}
    work = step(
        "work",
        tool=[{"t": {"kind": "http", "body": [{"x": "{{ broken"}]}}],
        args={"c": "{{ c }}"},
        loop={"in": "{{ d }}", "iterator": "i"},
        next=[{"step": "end", "when": "{{ e }}"}],
    )
    assert warnings_of(step(tool=tool, next="work"), work, check_template=check) == [
        "Step 'work': tool[0].body does not parse: unexpected end"
    ]
    assert asked == [
        "{{ a }}",
        "{% if b %}{% endif %}",
        "{{ broken",
        "{{ c }}",
        "{{ d }}",
        "{{ e }}",
    ]


def test_no_more_warnings_are_told_than_anyone_reads():
    lost = [step(f"lost{number}") for number in range(1_000)]
    assert len(warnings_of(step(), *lost)) == MOST_WARNINGS
