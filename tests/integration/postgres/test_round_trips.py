"""What a start costs on the wire, counted there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from control_plane.catalog.ports import NewCatalogEntry
from control_plane.json_text import Json
from control_plane.ports import CatalogReference, Lookup
from control_plane.postgres.catalog import PostgresCatalogStore
from control_plane.postgres.connection import Database
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.settings import DatabaseSettings
from tests.contract.fake_store import a_start
from tests.fixtures_postgres import PostgresBackend
from tests.proxies.postgres import PostgresProxy

HELLO = CatalogReference(None, "examples/hello")
ONE_ROUND_TRIP = [b"P", b"B", b"D", b"E", b"S"]
"""Parse, Bind, Describe, Execute, Sync: one statement, nothing prepared, no transaction block."""


@pytest.fixture
def database(wire: PostgresProxy) -> Iterator[Database]:
    """A connection that is open already: one round trip more tells the schema's version."""
    database = Database(DatabaseSettings(database_url=wire.url))
    assert database.probe() == ("ok", "ok")
    database.fetch("schema_version", {}, repeatable=True)
    wire.take()
    yield database
    database.close()


def kinds(wire: PostgresProxy) -> list[bytes]:
    return [kind for kind, _ in wire.take()]


def test_a_start_is_two_round_trips_of_one_statement_each(
    postgres: PostgresBackend, wire: PostgresProxy, database: Database
):
    entry = postgres.add_entry("examples/hello", 1, "kind: Playbook", None)
    store = PostgresExecutionStore(database, hold_days=14)
    for turn in range(8):  # beyond the five after which the driver would prepare
        ids = store.resolve(f"http:anonymous:{turn}", HELLO, None).ids
        assert kinds(wire) == ONE_ROUND_TRIP
        start = a_start(ids, entry, f"http:anonymous:{turn}")
        assert store.record(start) is None
        assert kinds(wire) == ONE_ROUND_TRIP
        store.acknowledge(start)
    assert kinds(wire) == []


def test_a_replay_is_one_round_trip(
    postgres: PostgresBackend, wire: PostgresProxy, database: Database
):
    entry = postgres.add_entry("examples/hello", 1, "kind: Playbook", None)
    store = PostgresExecutionStore(database, hold_days=14)
    store.record(a_start(store.resolve("k", HELLO, None).ids, entry, "k"))
    wire.take()
    assert store.resolve("k", HELLO, None).known is not None
    assert kinds(wire) == ONE_ROUND_TRIP


def test_a_workload_crosses_the_wire_once(
    postgres: PostgresBackend, wire: PostgresProxy, database: Database
):
    entry = postgres.add_entry("examples/hello", 1, "kind: Playbook", None)
    store = PostgresExecutionStore(database, hold_days=14)
    ids = store.resolve("k", HELLO, None).ids
    wire.take()
    store.record(a_start(ids, entry, workload=Json({"marker": "x" * 100_000})))
    sent = b"".join(body for _, body in wire.take())
    assert sent.count(b"marker") == 1
    assert len(sent) < 105_000


@pytest.mark.parametrize("number", [1, 10, 1000])
def test_a_batch_is_two_round_trips_however_many_start(
    postgres: PostgresBackend, wire: PostgresProxy, database: Database, number: int
):
    entry = postgres.add_entry("examples/hello", 1, "kind: Playbook", None)
    store = PostgresExecutionStore(database, hold_days=14)
    for turn in range(2):
        keys = [f"sqs:queue:{turn}-{place}" for place in range(number)]
        found = store.resolve_many([Lookup(key, HELLO, None) for key in keys])
        assert kinds(wire) == ONE_ROUND_TRIP
        starts = [a_start(one.ids, entry, key) for one, key in zip(found, keys, strict=True)]
        assert store.record_many(starts) == [None] * number
        assert kinds(wire) == ONE_ROUND_TRIP
        for start in starts:
            store.acknowledge(start)
    assert len(postgres.started()) == 2 * number


def test_a_document_crosses_the_wire_once_for_a_batch(
    postgres: PostgresBackend, wire: PostgresProxy, database: Database
):
    postgres.add_entry("examples/hello", 1, "kind: Playbook" + "x" * 100_000, None)
    store = PostgresExecutionStore(database, hold_days=14)
    store.resolve_many([Lookup(f"k{place}", HELLO, None) for place in range(100)])
    assert 100_000 < wire.received < 200_000


def test_a_registration_is_one_round_trip(wire: PostgresProxy, database: Database):
    store = PostgresCatalogStore(database)
    store.register(NewCatalogEntry("a", "playbook", "kind: Playbook", Json({}), Json({})))
    assert kinds(wire) == ONE_ROUND_TRIP


def test_the_schema_is_asked_for_once_per_connection(wire: PostgresProxy):
    database = Database(DatabaseSettings(database_url=wire.url))
    store = PostgresExecutionStore(database, hold_days=14)
    for turn in range(3):
        store.resolve(f"http:anonymous:{turn}", HELLO, None)
    database.close()
    statements = [body for kind, body in wire.take() if kind in (b"P", b"Q")]
    assert [b"schema_version" in body for body in statements] == [True, False, False, False]


def test_no_statement_needs_more_than_16_kilobytes_of_text(
    postgres: PostgresBackend, wire: PostgresProxy, database: Database
):
    # RDS Proxy pins a connection on which a longer one was sent.
    entry = postgres.add_entry("examples/hello", 1, "kind: Playbook", None)
    store = PostgresExecutionStore(database, hold_days=14)
    store.record(a_start(store.resolve("k", HELLO, None).ids, entry))
    (found,) = store.resolve_many([Lookup("l", HELLO, None)])
    store.record_many([a_start(found.ids, entry, "l")])
    assert max(len(body) for kind, body in wire.take() if kind == b"P") < 4096
