from __future__ import annotations

import json
from dataclasses import replace

import pytest

from control_plane.errors import (
    CatalogEntryNotFound,
    IdempotencyKeyReused,
    InvalidPlaybook,
    InvalidRequest,
    PlaybookContentMissing,
    PlaybookNotFound,
    PlaybookSyntaxError,
    RequestError,
    TemplateError,
)
from control_plane.json_text import Json
from tests.unit.control_plane import PATH, PLAYBOOK, ControlPlane


@pytest.fixture
def plane():
    return ControlPlane()


def test_a_start_is_recorded_notified_and_answered(plane):
    execution = plane.start(payload={"name": "Ada"})
    (start,) = plane.starts
    assert execution.answer == {
        "execution_id": str(start.ids.execution_id),
        "status": "started",
        "commands_generated": 1,
    }
    assert not execution.replayed
    assert start.key == "http:anonymous:request-1"
    assert (start.catalog_id, start.path) == (plane.catalog_id, PATH)
    assert start.workload.value == {"name": "Ada", "greeting": "Hello"}
    assert start.tool_config.value == {"args": {"text": "Hello, Ada"}, "code": "print(text)"}
    assert start.args.value == {"note": "{{ name }}"}
    assert plane.observer.told == [("started", start.ids.execution_id, PATH)]


def test_the_notification_says_where_the_command_waits(plane):
    plane.start()
    (start,) = plane.starts
    (sent,) = plane.notifier.published
    ids = start.ids
    assert sent.subject == f"noetl.commands.shared.{ids.execution_id}"
    assert sent.message_id == f"{ids.execution_id}:start:{ids.issued_event_id}"
    assert json.loads(sent.body) == {
        "execution_id": ids.execution_id,
        "event_id": ids.issued_event_id,
        "command_id": sent.message_id,
        "step": "start",
        "server_url": "https://noetl.example.com",
    }


@pytest.mark.parametrize(
    ("document_path", "pool", "segment"),
    [
        ("examples/hello_world", None, "shared"),
        ("system/cleanup", None, "system"),
        ("system/cleanup", "gpu", "gpu"),
        ("systems/cleanup", None, "shared"),
    ],
)
def test_the_segment_is_the_pool_else_by_the_documents_path(document_path, pool, segment):
    plane = ControlPlane(PLAYBOOK.replace(PATH, document_path), pools="shared gpu")
    plane.start(execution_pool=pool)
    assert plane.notifier.published[0].subject.split(".")[2] == segment


def test_texts_are_those_of_their_values(plane):
    plane.starter = replace(plane.starter, server_url='https://é.example.com/"x"')
    plane.start()
    (start,) = plane.starts
    assert start.answer.text == Json(start.answer.value).text
    assert json.loads(start.notification.body) == {
        "execution_id": start.ids.execution_id,
        "event_id": start.ids.issued_event_id,
        "command_id": start.notification.message_id,
        "step": "start",
        "server_url": 'https://é.example.com/"x"',
    }


def test_a_trace_is_recorded_and_passed_on(plane):
    trace = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "tracestate": "x=1"}
    plane.start(trace=trace)
    assert plane.starts[0].trace.value == trace
    assert plane.notifier.published[0].traceparent == trace["traceparent"]


def test_the_same_key_and_request_is_answered_as_the_first_time(plane):
    first = plane.start(key="k", payload={"a": 1})
    again = plane.start(key="k", payload={"a": 1})
    assert again.answer == first.answer
    assert again.replayed
    assert len(plane.starts) == len(plane.notifier.published) == 1


def test_a_known_key_is_answered_even_when_the_playbook_is_gone(plane):
    first = plane.start(key="k")
    plane.backend.database.catalog.clear()
    assert plane.start(key="k").answer == first.answer


def test_the_same_key_for_another_request_is_refused(plane):
    plane.start(key="k", payload={"a": 1})
    with pytest.raises(IdempotencyKeyReused):
        plane.start(key="k", payload={"a": 2})
    assert len(plane.starts) == 1


def test_a_key_given_beside_the_body_wins_over_the_one_in_it(plane):
    plane.start(key="outer", idempotency_key="inner")
    assert plane.starts[0].key == "http:anonymous:outer"


def test_two_principals_with_one_key_start_two_executions(plane):
    assert plane.start("AIDA1", "k").answer != plane.start("AIDA2", "k").answer
    assert len(plane.starts) == 2


def test_a_race_lost_at_the_record_is_a_replay(plane):
    resolve = plane.store.resolve

    def resolve_before_the_winner(key, reference, held, meanwhile):
        found = resolve("another key", reference, held, meanwhile)
        plane.store.resolve = resolve
        plane.start(key="k")
        return found

    plane.store.resolve = resolve_before_the_winner
    loser = plane.start(key="k")
    assert loser.replayed
    assert len(plane.starts) == len(plane.notifier.published) == 1


def test_a_failed_notification_leaves_the_start_and_its_outbox_row(plane):
    plane.notifier.failure = "no acknowledgement in time"
    execution = plane.start()
    (start,) = plane.starts
    assert execution.answer["status"] == "started"
    assert plane.backend.pending() == [start.ids.command_id]
    assert plane.observer.told[-1] == (
        "deferred",
        start.ids.execution_id,
        "no acknowledgement in time",
    )


def test_an_acknowledged_row_goes_with_the_next_start(plane):
    plane.start(key="1")
    assert plane.backend.pending() == [plane.starts[0].ids.command_id]
    plane.start(key="2")
    assert plane.backend.pending() == [plane.starts[1].ids.command_id]


def test_a_playbook_is_sent_once_and_a_new_version_is_seen_at_once(plane):
    plane.start(key="1")
    plane.backend.add_entry(PATH, 2, PLAYBOOK.replace("Hello", "Goodbye"), None)
    plane.start(key="2")
    plane.start(key="3", catalog_id=plane.catalog_id)
    greetings = [start.tool_config.value["args"]["text"] for start in plane.starts]
    assert greetings == ["Hello, world", "Goodbye, world", "Hello, world"]


def test_a_playbook_stored_as_json_is_run(plane):
    document = {
        "apiVersion": "noetl.io/v2",
        "kind": "Playbook",
        "metadata": {"name": "json"},
        "workflow": [{"step": "start", "tool": {"kind": "noop"}}],
    }
    plane.backend.add_entry("examples/json", 1, None, document)
    plane.start(path="examples/json")
    assert plane.starts[0].tool_kind == "noop"


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ({"path": None}, InvalidRequest, "Either 'path' or 'catalog_id' must be provided"),
        ({"path": "none"}, PlaybookNotFound, "Playbook not found: none"),
        ({"catalog_id": "5"}, CatalogEntryNotFound, "Catalog entry not found: 5"),
        ({"execution_pool": "gpu"}, InvalidRequest, "execution_pool: must be one of: shared"),
    ],
)
def test_a_request_that_cannot_be_served_says_why(plane, body, error, message):
    with pytest.raises(error) as caught:
        plane.start(**body)
    assert caught.value.message == message


LOOP = "    loop: {in: [1], iterator: i}\n    tool:"


@pytest.mark.parametrize(
    ("playbook", "error"),
    [
        (None, PlaybookContentMissing),
        ("a: [", PlaybookSyntaxError),
        ("a: 1", InvalidPlaybook),
        (PLAYBOOK.replace("    tool:", LOOP), InvalidPlaybook),
        (PLAYBOOK.replace("{{ greeting }}", "{{ greeting"), TemplateError),
    ],
)
def test_a_refused_start_leaves_nothing_behind(playbook, error):
    plane = ControlPlane(playbook)
    with pytest.raises(error) as caught:
        plane.start(key="k")
    assert isinstance(caught.value, RequestError)
    assert plane.starts == plane.notifier.published == plane.observer.told == []
    assert plane.backend.pending() == []
