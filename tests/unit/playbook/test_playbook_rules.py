"""The rules around the steps, and how faults are told."""

from __future__ import annotations

import pytest

from control_plane.errors import InvalidPlaybook
from control_plane.limits import Limits
from control_plane.playbook.faults import MOST_FAULTS
from control_plane.playbook.loader import load
from tests.unit.playbook.documents import document, step


def refusal(playbook: object) -> InvalidPlaybook:
    with pytest.raises(InvalidPlaybook) as caught:
        load(playbook, Limits())
    return caught.value


@pytest.mark.parametrize("version", [None, "noetl.io/v1", "noetl.io/v10", 2, ["noetl.io/v2"]])
def test_another_version_of_the_language_is_refused(version):
    assert refusal(document(apiVersion=version)).message == "apiVersion: must be 'noetl.io/v2'"


@pytest.mark.parametrize("kind", [None, "playbook", "Workflow", {}, True])
def test_another_kind_of_document_is_refused(kind):
    assert refusal(document(kind=kind)).message == "kind: must be 'Playbook'"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metadata": None}, "metadata is missing"),
        ({"metadata": "x"}, "metadata must be an object, found text"),
        ({"metadata": {}}, "metadata.name is missing"),
        ({"metadata": {"name": ""}}, "metadata.name must not be empty"),
        ({"metadata": {"name": 7}}, "metadata.name must be text, found a number"),
        ({"metadata": {"name": "n", "path": ["p"]}}, "metadata.path must be text, found a list"),
        ({"vars": []}, "vars must be an object, found a list"),
        ({"keychain": {}}, "keychain must be a list, found an object"),
        ({"workbook": "x"}, "workbook must be a list, found text"),
        ({"workbook": [1]}, "workbook[0] must be an object, found a number"),
        ({"workbook": [{"tool": {}}]}, "workbook[0].name is missing"),
        ({"workbook": [{"name": "n"}]}, "workbook[0].tool is missing"),
        ({"workflow": None}, "workflow is missing"),
        ({"workflow": {}}, "workflow must be a list, found an object"),
        ({"workflow": [[]]}, "workflow[0] must be a step (an object), found a list"),
        ({"workflow": [{}]}, "workflow[0].step is missing: it is the step's name"),
        ({"workflow": [step("")]}, "workflow[0].step is missing: it is the step's name"),
        (
            {"workflow": [step(), step(1)]},
            "workflow[1].step must be text, the step's name, found a number",
        ),
    ],
)
def test_a_field_around_the_steps_has_its_type(fields, message):
    assert refusal(document(**fields)).message == f"Playbook: {message}"


@pytest.mark.parametrize("steps", [[], [step("begin")], [step("Start")], [{"step": "begin"}]])
def test_a_playbook_without_a_start_step_is_refused(steps):
    assert refusal(document(workflow=steps)).message == "Start step 'start' not found"


def test_a_duplicate_step_name_is_refused():
    steps = [step(), step("a"), step("b"), step("a")]
    assert refusal(document(*steps)).message == "Step 'a': duplicate step name"


def test_every_fault_is_listed_and_the_first_is_the_message():
    error = refusal(document(step(when=""), step("a", tool=None), step("b", next="nowhere")))
    assert error.message == "Step 'start': when must not be empty"
    assert [str(fault) for fault in error.faults] == [
        "Step 'start': when must not be empty",
        "Step 'a': tool is missing",
        "Step 'b': next names unknown step 'nowhere'",
    ]


def test_no_more_faults_are_told_than_anyone_reads():
    steps = [step(f"s{number}", tool=None) for number in range(1_000)]
    assert len(refusal(document(step(), *steps)).faults) == MOST_FAULTS


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.b-c d", "'a.b-c d'"),
        ("it's", '"it\'s"'),
        ("🚀", "'🚀'"),
        ("a\nb\x1b[31m", r"'a\nb\x1b[31m'"),
        ("\u202egnp", r"'\u202egnp'"),
        ("x" * 300, f"'{'x' * 60}…'"),
    ],
)
def test_a_hostile_name_is_quoted_and_shortened(name, shown):
    assert (
        refusal(document(step(), step(name, tool=None))).message == f"Step {shown}: tool is missing"
    )
    assert name in load(document(step(next=name), step(name)), Limits()).steps
