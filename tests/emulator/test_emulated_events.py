"""The sample events through the emulator of Lambda's runtime interface, without Docker."""

from __future__ import annotations

import json

import pytest

from tests.event_cases import CASES, Run, function_of

pytestmark = pytest.mark.emulator


def test_each_event_has_its_case(repository):
    assert {path.name for path in (repository / "events").glob("*.json")} == set(CASES)


@pytest.mark.parametrize("file", CASES)
def test_an_event_leads_to_what_its_case_says(repository, emulated, installation, file):
    event = json.loads((repository / "events" / file).read_text())
    function = emulated(function_of(file))
    CASES[file](Run(event, function.invoke, installation, host="127.0.0.1"))


def test_a_refused_direct_invocation_names_the_error(emulated):
    answer = emulated("ExecuteFunction").invoke({"path": "examples/no_such_playbook"})
    assert answer["errorType"] == "PlaybookNotFound"
    assert answer["errorMessage"] == "Playbook not found: examples/no_such_playbook"
