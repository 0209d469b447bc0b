"""Every sample event through `sam local invoke`: the built layer on Lambda's Python."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tests.event_cases import CASES, Run, function_of

pytestmark = [pytest.mark.sam, pytest.mark.timeout(600)]


@pytest.mark.parametrize("file", CASES)
def test_an_event_leads_to_what_its_case_says(repository, invoke, installation, bridge, file):
    event = json.loads((repository / "events" / file).read_text())
    CASES[file](Run(event, partial(invoke, function_of(file)), installation, bridge))


def test_a_refused_direct_invocation_names_the_error(invoke):
    answer = invoke("ExecuteFunction", {"path": "examples/no_such_playbook"})
    assert answer["errorType"] == "PlaybookNotFound"
    assert answer["errorMessage"] == "Playbook not found: examples/no_such_playbook"
