"""Migrations: again and again, several at once, and on a database that NoETL has made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from control_plane.errors import SchemaNotReady, StoreUnavailable
from control_plane.ports import CatalogReference
from control_plane.postgres import migrate as module
from control_plane.postgres.migrate import migrate
from control_plane.postgres.sql import migrations
from tests.contract.fake_store import a_start
from tests.fixtures_postgres import APP_ROLE, PostgresBackend, administer, as_app

NAMES = [name for name, _ in migrations().values()]
HERE = Path(__file__).parent


@pytest.fixture
def empty_url(new_database: Callable[..., str]) -> str:
    return new_database()


@pytest.fixture
def noetl_url(empty_url: str, template_database: str) -> str:
    """A database that a NoETL server has made; the app's role is there, with its password."""
    with psycopg.connect(empty_url) as connection:
        connection.execute((HERE / "noetl_server.sql").read_bytes())
    return empty_url


@pytest.fixture
def new_role(postgres_server) -> Iterator[str]:
    name = f"role_{secrets.token_hex(4)}"
    yield name
    administer(postgres_server.url, "DROP ROLE IF EXISTS {}", name)


def dump(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        lines = connection.execute((HERE / "catalog_dump.sql").read_bytes())
        return [line for (line,) in lines]


def column(url: str, query) -> list:
    with psycopg.connect(url) as connection:
        return [value for (value,) in connection.execute(query)]


def drop_database_of(url: str) -> None:
    """Drop what a role of this test holds on to."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA noetl, noetl_serverless CASCADE")


def test_each_migration_is_applied_once(empty_url: str):
    assert migrate(empty_url, APP_ROLE) == NAMES
    assert migrate(empty_url, APP_ROLE) == []
    applied = column(empty_url, "SELECT name FROM noetl_serverless.schema_version ORDER BY version")
    assert applied == NAMES


def test_several_at_once_apply_each_migration_once(empty_url: str):
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(lambda _: migrate(empty_url, APP_ROLE), range(4)))
    assert sorted(name for names in applied for name in names) == NAMES


def test_several_databases_at_once_share_a_new_role(new_database, new_role: str):
    urls = [new_database() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda url: migrate(url, new_role), urls)) == [NAMES] * 4
    for url in urls:
        drop_database_of(url)


def test_a_migration_that_fails_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch):
    broken = b"CREATE TABLE noetl_serverless.half (); SELECT 1 / 0"
    first = migrations()[1]
    monkeypatch.setattr(module, "migrations", lambda: {1: first, 2: ("0002_broken", broken)})
    with pytest.raises(SchemaNotReady, match="Migration 0002_broken was refused: division by zero"):
        migrate(empty_url, APP_ROLE)
    assert column(empty_url, "SELECT version FROM noetl_serverless.schema_version") == [1]
    assert column(empty_url, "SELECT to_regclass('noetl_serverless.half')") == [None]


def test_a_fresh_database_has_keys_and_no_other_index_in_noetl_but_our_own(database_url: str):
    indexes = column(
        database_url,
        "SELECT indexdef FROM pg_indexes"
        " WHERE schemaname = 'noetl' AND indexdef NOT LIKE '%UNIQUE%'"
        " AND indexname NOT LIKE 'noetl_sls_%'",
    )
    assert indexes == []


def test_a_fresh_database_is_partitioned_as_noetl_has_it(database_url: str):
    key = "SELECT pg_get_partkeydef('noetl.{}'::regclass)"
    assert column(database_url, key.format("event")) == ["RANGE (execution_id)"]
    assert column(database_url, key.format("command")) == ["HASH (execution_id)"]
    parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'noetl.{}'::regclass"
    assert column(database_url, parts.format("event")) == [1]
    assert column(database_url, parts.format("command")) == [16]


def test_results_of_an_event_have_one_shape(postgres: PostgresBackend):
    insert = (
        "INSERT INTO noetl.event (execution_id, event_id, catalog_id, result)"
        " VALUES (1, %s, %s, %s)"
    )
    entry = postgres.add_entry("examples/hello", 1, None, None)
    taken = [None, '{"status": "ok"}', '{"status": "ok", "context": {}, "reference": {"a": 1}}']
    for number, result in enumerate(taken):
        postgres.owner.execute(insert, (number, entry, result))
    refused = ["null", "[]", "{}", '{"status": 1}', '{"status": "ok", "reference": null}']
    refused += ['{"status": "ok", "context": []}', '{"status": "ok", "data": {}}']
    for result in refused:
        with pytest.raises(psycopg.errors.CheckViolation, match="chk_event_result_shape"):
            postgres.owner.execute(insert, (9, entry, result))


def test_what_noetl_has_made_is_left_as_it_is(noetl_url: str):
    before = dump(noetl_url)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: migrate(noetl_url, APP_ROLE), range(2)))
    assert migrate(noetl_url, APP_ROLE) == []
    after = dump(noetl_url)
    assert [line for line in before if line not in after] == []
    ours = "noetl_sls_"
    added = [line for line in after if line not in before and ours not in line]
    seeds = [f"row of resource ({kind},)" for kind in ("agent", "credential", "mcp", "memory")]
    assert added == seeds


def test_a_start_on_a_database_of_noetl_reaches_its_trigger(noetl_url: str):
    migrate(noetl_url, APP_ROLE)
    app_url = as_app(noetl_url)
    backend = PostgresBackend(noetl_url, app_url)
    store = backend.execution_store()
    found = store.resolve("k", CatalogReference(None, "examples/hello"), None)
    assert store.record(a_start(found.ids, found.entry.catalog_id)) is None
    assert backend.column("SELECT command_id FROM noetl.command ORDER BY 1 DESC LIMIT 1") == [
        str(found.ids.command_id)
    ]
    mirrored = "SELECT event_id FROM noetl.outbox ORDER BY outbox_id DESC LIMIT 2"
    assert sorted(backend.column(mirrored)) == [
        found.ids.started_event_id,
        found.ids.issued_event_id,
    ]
    backend.close()


def test_whoever_may_not_pass_on_rights_is_told(noetl_url: str, postgres_server, new_role: str):
    # The tables belong to somebody else, as on a server that NoETL's own people run.
    administer(postgres_server.url, "CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'pw'", new_role)
    database = psycopg.conninfo.conninfo_to_dict(noetl_url)["dbname"]
    administer(postgres_server.url, "GRANT CREATE ON DATABASE {} TO {}", str(database), new_role)
    administer(noetl_url, "GRANT USAGE, CREATE ON SCHEMA noetl TO {}", new_role)
    administer(noetl_url, "GRANT ALL ON ALL TABLES IN SCHEMA noetl TO {}", new_role)
    with pytest.raises(SchemaNotReady, match="Migration access was refused"):
        migrate(make_conninfo(noetl_url, user=new_role, password="pw"), f"{new_role}_app")
    administer(noetl_url, "DROP OWNED BY {} CASCADE", new_role)


def test_a_database_that_is_away_is_told_without_its_address(empty_url: str):
    with pytest.raises(StoreUnavailable) as caught:
        migrate(make_conninfo(empty_url, password="secret-marker"), APP_ROLE)
    assert str(caught.value) == "The database refuses the login; try again"
