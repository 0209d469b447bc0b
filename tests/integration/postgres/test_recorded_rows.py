"""Each row and column that a start and a registration leave, null ones included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from control_plane.catalog.ports import NewCatalogEntry
from control_plane.json_text import Json
from control_plane.ports import CatalogReference, Lookup, Notification, StartIds
from tests.contract.fake_store import a_start
from tests.fixtures_postgres import PostgresBackend

TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
IDS = StartIds(658371920845275136, 658371920853663744, 658371920853663745, 658371920862052353)
WORKLOAD = {"name": "Ada", "nested": {"n": 1}}
CONTEXT = {
    "tool_config": {"code": "print(1)"},
    "args": {"limit": 3},
    "render_context": {**WORKLOAD, "workload": WORKLOAD},
}
MESSAGE_ID = f"{IDS.execution_id}:begin:{IDS.issued_event_id}"
META = {
    "command_id": MESSAGE_ID,
    "step": "begin",
    "tool_kind": "python",
    "max_attempts": 3,
    "attempt": 1,
    "execution_id": str(IDS.execution_id),
    "actionable": True,
}
NULL_IN_EVENTS = [
    *("duration", "result", "error", "current_index", "current_item", "worker_id"),
    *("distributed_state", "context_key", "context_value", "trace_component", "stack_trace"),
]
NULL_IN_COMMANDS = [
    *("parent_execution_id", "parent_command_id", "worker_id", "claimed_at", "started_at"),
    *("completed_at", "context_key", "loop_event_id", "iter_index", "result", "error"),
]


@pytest.fixture
def catalog_id(postgres: PostgresBackend) -> int:
    return postgres.add_entry("examples/hello", 1, "kind: Playbook", None)


def record(postgres: PostgresBackend, catalog_id: int, **changes):
    start = a_start(
        IDS,
        catalog_id,
        step="begin",
        workload=Json(WORKLOAD),
        args=Json(CONTEXT["args"]),
        notification=Notification(
            f"noetl.commands.gpu.{IDS.execution_id}",
            MESSAGE_ID,
            '{"step": "begin"}',
            changes.pop("traceparent", None),
        ),
        **changes,
    )
    assert postgres.execution_store().record(start) is None
    return start


def without_nulls(row, names):
    assert {name: row.pop(name) for name in names} == dict.fromkeys(names)
    return row


def test_the_event_playbook_started(postgres: PostgresBackend, catalog_id: int):
    record(postgres, catalog_id, parent_execution_id=5)
    started, _ = postgres.rows("SELECT * FROM noetl.event ORDER BY event_id")
    emitted_at = started["meta"].pop("emitted_at")
    created_at = started.pop("created_at")
    assert emitted_at == created_at.isoformat(timespec="microseconds") + "Z"
    assert abs(created_at.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert without_nulls(started, NULL_IN_EVENTS) == {
        "execution_id": IDS.execution_id,
        "catalog_id": catalog_id,
        "event_id": IDS.started_event_id,
        "parent_event_id": None,
        "parent_execution_id": 5,
        "event_type": "playbook_started",
        "node_id": "playbook",
        "node_name": "examples/hello",
        "node_type": "execution",
        "status": "STARTED",
        "context": {
            "catalog_id": str(catalog_id),
            "execution_id": str(IDS.execution_id),
            "path": "examples/hello",
            "workload": WORKLOAD,
        },
        "meta": {"emitter": "control_plane"},
    }


def test_the_event_command_issued(postgres: PostgresBackend, catalog_id: int):
    record(postgres, catalog_id, parent_execution_id=5)
    started, issued = postgres.rows("SELECT * FROM noetl.event ORDER BY event_id")
    assert issued.pop("created_at") - started["created_at"] == timedelta(microseconds=1)
    assert without_nulls(issued, NULL_IN_EVENTS) == {
        "execution_id": IDS.execution_id,
        "catalog_id": catalog_id,
        "event_id": IDS.issued_event_id,
        "parent_event_id": IDS.started_event_id,
        "parent_execution_id": None,
        "event_type": "command.issued",
        "node_id": "begin",
        "node_name": "begin",
        "node_type": "python",
        "status": "PENDING",
        "context": CONTEXT,
        "meta": META | {"catalog_id": str(catalog_id)},
    }


def test_the_command(postgres: PostgresBackend, catalog_id: int):
    record(postgres, catalog_id)
    (command,) = postgres.rows("SELECT * FROM noetl.command")
    for name in ("created_at", "updated_at"):
        assert abs(command.pop(name) - datetime.now(UTC)) < timedelta(minutes=1)
    assert without_nulls(command, NULL_IN_COMMANDS) == {
        "command_id": IDS.command_id,
        "event_id": IDS.issued_event_id,
        "execution_id": IDS.execution_id,
        "catalog_id": catalog_id,
        "step_name": "begin",
        "tool_kind": "python",
        "status": "PENDING",
        "attempt": 1,
        "context": CONTEXT,
        "meta": META | {"catalog_id": str(catalog_id)},
        "latest_event_id": IDS.started_event_id,
    }


def test_trace_and_pool_stand_in_the_meta_data(postgres: PostgresBackend, catalog_id: int):
    record(postgres, catalog_id, trace=Json(TRACE), execution_pool="gpu")
    started, issued = postgres.column("SELECT meta FROM noetl.event ORDER BY event_id")
    del started["emitted_at"]
    assert started == {"emitter": "control_plane", "trace": TRACE, "execution_pool": "gpu"}
    assert issued == META | {"catalog_id": str(catalog_id), "trace": TRACE}


def test_the_outbox_row_is_due_in_a_minute(postgres: PostgresBackend, catalog_id: int):
    record(postgres, catalog_id, traceparent=TRACE["traceparent"])
    (row,) = postgres.rows("SELECT * FROM noetl_serverless.outbox")
    assert row.pop("due_at") - row.pop("created_at") == timedelta(minutes=1)
    unset = ["lease_owner", "leased_until", "last_error", "parked_at", "notified_at"]
    assert without_nulls(row, unset) == {
        "command_id": IDS.command_id,
        "execution_id": IDS.execution_id,
        "subject": f"noetl.commands.gpu.{IDS.execution_id}",
        "message_id": MESSAGE_ID,
        "body": '{"step": "begin"}',
        "traceparent": TRACE["traceparent"],
        "attempts": 0,
        "renotifications": 0,
    }


def test_a_start_does_not_wait_for_a_row_that_the_relay_holds(
    postgres: PostgresBackend, database_url: str, catalog_id: int
):
    store = postgres.execution_store()
    first = a_start(IDS, catalog_id)
    store.record(first)
    store.acknowledge(first)
    with psycopg.connect(database_url) as relay:
        relay.execute("SELECT FROM noetl_serverless.outbox FOR UPDATE")
        ids = store.resolve("k", CatalogReference(catalog_id, None), None).ids
        assert store.record(a_start(ids, catalog_id, "k")) is None
    assert postgres.pending() == [IDS.command_id, ids.command_id]


def test_the_key_is_held_for_fourteen_days(postgres: PostgresBackend, catalog_id: int):
    start = record(postgres, catalog_id)
    (row,) = postgres.rows("SELECT * FROM noetl_serverless.start_request")
    assert row.pop("expires_at") - row.pop("created_at") == timedelta(days=14)
    assert row == {
        "key": start.key,
        "fingerprint": start.fingerprint,
        "execution_id": IDS.execution_id,
        "answer": start.answer.value,
    }


def test_times_are_utc_whatever_the_session_thinks(
    postgres: PostgresBackend, database_url: str, catalog_id: int
):
    postgres.app_url = database_url + " options='-c TimeZone=Asia/Kathmandu'"
    record(postgres, catalog_id)
    for created_at in postgres.column("SELECT created_at FROM noetl.event"):
        assert abs(created_at.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    (command,) = postgres.column("SELECT created_at FROM noetl.command")
    assert abs(command - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_key_of_the_payload_gives_way_to_the_merged_map(
    postgres: PostgresBackend, catalog_id: int
):
    workload = {"workload": "mine", "n": 1}
    postgres.execution_store().record(a_start(IDS, catalog_id, workload=Json(workload)))
    (context,) = postgres.column("SELECT context FROM noetl.command")
    assert context["render_context"] == {"n": 1, "workload": workload}


def test_text_is_stored_as_it_came(postgres: PostgresBackend, catalog_id: int):
    workload = {"quote": "'\"\\", "percent": "%(key)s %s", "umlaut": "ü€😀", "long": "x" * 10**6}
    postgres.execution_store().record(
        a_start(IDS, catalog_id, step="schritt 'ü' %s", workload=Json(workload))
    )
    (command,) = postgres.rows("SELECT step_name, context FROM noetl.command")
    assert command["step_name"] == "schritt 'ü' %s"
    assert command["context"]["render_context"]["workload"] == workload


def test_a_registered_entry(postgres: PostgresBackend):
    stored = postgres.catalog_store().register(
        NewCatalogEntry("a/b", "Agent", "kind: Playbook\n", Json({"kind": "Playbook"}), Json({}))
    )
    (row,) = postgres.rows("SELECT * FROM noetl.catalog")
    created_at = row.pop("created_at").replace(tzinfo=UTC)
    assert abs(created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert row == {
        "catalog_id": stored.catalog_id,
        "path": "a/b",
        "version": 1,
        "kind": "agent",
        "content": "kind: Playbook\n",
        "layout": None,
        "payload": {"kind": "Playbook"},
        "meta": {},
    }


def test_ids_are_milliseconds_since_2024_a_shard_and_a_sequence(postgres: PostgresBackend):
    ids = postgres.execution_store().resolve("k", CatalogReference(1, None), None).ids
    epoch = datetime(2024, 1, 1, tzinfo=UTC)
    for one in (ids.execution_id, ids.command_id):
        drawn_at = epoch + timedelta(milliseconds=one >> 23)
        assert abs(drawn_at - datetime.now(UTC)) < timedelta(minutes=1)
        assert (one >> 18) & 31 == 1
        assert one & (2**18 - 1) < 1024


def test_after_a_large_batch_a_start_takes_a_part_of_its_acknowledged_rows_along(
    postgres: PostgresBackend, catalog_id: int
):
    store = postgres.execution_store()
    reference = CatalogReference(catalog_id, None)
    found = store.resolve_many([Lookup(f"k{place}", reference, None) for place in range(120)])
    starts = [a_start(one.ids, catalog_id, f"k{place}") for place, one in enumerate(found)]
    store.record_many(starts[:117])
    for start in starts[:117]:
        store.acknowledge(start)
    for start, left in zip(starts[117:], (67 + 1, 17 + 2, 0 + 3), strict=True):
        store.record(start)
        assert len(postgres.pending()) == left
