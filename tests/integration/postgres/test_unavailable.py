"""A database that cannot serve: what the caller is told, and that nothing of it leaks."""

from __future__ import annotations

import socket
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from control_plane.errors import SchemaNotReady, StoreUnavailable, UnstorableValue
from control_plane.json_text import Json
from control_plane.ports import CatalogReference
from control_plane.postgres.migrate import migrate
from control_plane.postgres.sql import needed_version
from tests.contract.fake_store import a_start
from tests.fixtures_postgres import APP_PASSWORD, APP_ROLE, PostgresBackend, as_app

HELLO = CatalogReference(None, "examples/hello")

# A number that JSON can say and neither Python's parser nor Postgres takes.
HUGE = Json(None)
HUGE._text = "[1e200000]"


@pytest.fixture
def entry(postgres: PostgresBackend) -> int:
    return postgres.add_entry("examples/hello", 1, "kind: Playbook", None)


def administer(postgres: PostgresBackend, statement: LiteralString) -> None:
    """Run a statement in which `{}` is the database's name."""
    name = sql.Identifier(postgres.owner.info.dbname)
    postgres.owner.execute(sql.SQL(statement).format(name))


def refusal(postgres: PostgresBackend) -> str:
    """Return what a start is told, after a look for what it must not be told."""
    with pytest.raises(StoreUnavailable) as caught:
        postgres.execution_store().resolve("k", HELLO, None)
    told = str(caught.value)
    for secret in (APP_PASSWORD, APP_ROLE, "127.0.0.1", "SELECT", postgres.owner.info.dbname):
        assert secret not in told
    assert caught.value.__suppress_context__
    return told


def test_a_database_that_refuses_connections(postgres: PostgresBackend):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    postgres.app_url = make_conninfo(postgres.app_url, port=port)
    assert refusal(postgres) == "The database refuses connections; try again"


@pytest.mark.parametrize("login", [{"password": "wrong"}, {"user": "nobody_of_that_name"}])
def test_a_login_that_is_refused(postgres: PostgresBackend, login: dict[str, str]):
    postgres.app_url = make_conninfo(postgres.app_url, **login)
    assert refusal(postgres) == "The database refuses the login; try again"


def test_a_database_that_does_not_exist(postgres: PostgresBackend):
    postgres.app_url = make_conninfo(postgres.app_url, dbname="nothing_of_that_name")
    assert refusal(postgres) == "The database does not exist; try again"


def test_a_database_without_a_connection_left(postgres: PostgresBackend):
    administer(postgres, "ALTER DATABASE {} CONNECTION LIMIT 0")
    assert refusal(postgres) == "The database has no connection left; try again"


def test_a_host_that_does_not_exist(postgres: PostgresBackend):
    postgres.app_url = make_conninfo(postgres.app_url, host="nowhere.invalid")
    assert refusal(postgres) == "The database has an unknown host name; try again"


def test_a_read_only_database_serves_again_when_it_is_writable(
    postgres: PostgresBackend, entry: int
):
    store = postgres.execution_store()
    start = a_start(store.resolve("k", HELLO, None).ids, entry)
    administer(postgres, "ALTER DATABASE {} SET default_transaction_read_only = on")
    assert refusal(postgres) == "The database is read-only; try again"
    administer(postgres, "ALTER DATABASE {} RESET default_transaction_read_only")
    assert store.record(start) is None


def test_a_connection_of_a_reader_is_given_up_for_a_writer(postgres: PostgresBackend, entry: int):
    # As after a failover: what was the writer lives on and takes no more rows.
    administer(postgres, "ALTER DATABASE {} SET default_transaction_read_only = on")
    store = postgres.execution_store()
    with pytest.raises(StoreUnavailable):
        store.resolve("k", HELLO, None)
    administer(postgres, "ALTER DATABASE {} RESET default_transaction_read_only")
    assert store.resolve("k", HELLO, None).entry is not None


def test_a_statement_that_takes_too_long(postgres: PostgresBackend, database_url: str, entry: int):
    name = postgres.owner.info.dbname
    postgres.owner.execute(
        sql.SQL("ALTER ROLE {} IN DATABASE {} SET statement_timeout = '50ms'").format(
            sql.Identifier(APP_ROLE), sql.Identifier(name)
        )
    )
    store = postgres.execution_store()
    start = a_start(store.resolve("k", HELLO, None).ids, entry)
    with psycopg.connect(database_url) as rival:
        rival.execute("LOCK TABLE noetl.event IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable, match="took too long"):
            store.record(start)
    assert (postgres.started(), postgres.pending()) == ([], [])
    assert store.record(start) is None


def test_a_table_without_a_partition_for_the_rows(postgres: PostgresBackend, entry: int):
    postgres.owner.execute("ALTER TABLE noetl.event DETACH PARTITION noetl.event_default")
    store = postgres.execution_store()
    with pytest.raises(StoreUnavailable, match="no partition"):
        store.record(a_start(store.resolve("k", HELLO, None).ids, entry))
    assert postgres.column("SELECT key FROM noetl_serverless.start_request") == []


def test_a_database_without_the_schema_serves_once_it_is_migrated(
    postgres: PostgresBackend, new_database
):
    owner_url = new_database()
    postgres.app_url = as_app(owner_url)
    database = postgres.database()
    assert refusal(postgres) == "The database schema is missing; run the migrate function"
    assert database.probe() == ("ok", "missing")
    migrate(owner_url, APP_ROLE)
    assert database.probe() == ("ok", "ok")
    assert postgres.execution_store().resolve("k", HELLO, None).ids is not None


def test_an_older_schema_is_named_beside_the_needed_one(postgres: PostgresBackend):
    newest = needed_version()
    store, database = postgres.execution_store(), postgres.database()
    postgres.owner.execute(
        "DELETE FROM noetl_serverless.schema_version WHERE version = %s", (newest,)
    )
    with pytest.raises(SchemaNotReady) as caught:
        store.resolve("k", HELLO, None)
    assert str(caught.value) == (
        f"The database schema has version {newest - 1}, needed is {newest}; "
        "run the migrate function"
    )
    assert database.probe() == ("ok", "outdated")
    postgres.owner.execute(
        "INSERT INTO noetl_serverless.schema_version (version, name) VALUES (%s, '')", (newest,)
    )
    assert store.resolve("k", HELLO, None).ids is not None


def test_a_newer_schema_is_as_good(postgres: PostgresBackend):
    postgres.owner.execute(
        "INSERT INTO noetl_serverless.schema_version (version, name) VALUES (9999, 'later')"
    )
    assert postgres.database().probe() == ("ok", "ok")
    assert postgres.execution_store().resolve("k", HELLO, None).ids is not None


def test_a_login_without_rights(postgres: PostgresBackend):
    postgres.owner.execute(
        sql.SQL("REVOKE USAGE ON SCHEMA noetl FROM {}").format(sql.Identifier(APP_ROLE))
    )
    assert "may not use the database schema; run the migrate function" in refusal(postgres)


def test_a_schema_that_lost_a_function(postgres: PostgresBackend):
    postgres.owner.execute("DROP FUNCTION noetl_serverless.resolve_start")
    assert refusal(postgres) == (
        "The database schema is missing or too old; run the migrate function"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"workload": Json({"a": "\0"})},
        {"workload": Json({"a": "\ud800"})},
        {"tool_config": HUGE},
        {"step": "\0"},
        {"answer": Json("\0")},
    ],
    ids=["NUL in JSON", "lone surrogate", "number out of range", "NUL in text", "NUL in answer"],
)
def test_what_cannot_be_stored_is_refused_as_a_whole(postgres: PostgresBackend, entry, changes):
    store = postgres.execution_store()
    ids = store.resolve("k", HELLO, None).ids
    with pytest.raises(UnstorableValue):
        store.record(a_start(ids, entry, **changes))
    assert (postgres.started(), postgres.pending()) == ([], [])
    assert store.record(a_start(ids, entry)) is None


def test_a_probe_of_a_database_that_is_away(postgres: PostgresBackend):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    postgres.app_url = make_conninfo(postgres.app_url, port=port)
    assert postgres.database().probe() == ("unreachable", "unknown")
