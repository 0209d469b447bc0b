"""Our indexes on a log that others write to meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from control_plane.postgres import migrate as module
from control_plane.postgres.deadline import DeadlineConnection
from control_plane.postgres.indexes import complete_indexes
from control_plane.postgres.login import conninfo
from control_plane.postgres.migrate import migrate
from control_plane.postgres.sql import indexes
from tests.fixtures_postgres import APP_ROLE, as_app

HERE = Path(__file__).parent
NAMES = list(indexes())
INSERT = (
    "INSERT INTO noetl.event (execution_id, event_id, catalog_id, event_type)"
    " SELECT %s, %s, catalog_id, 'playbook_started' FROM noetl.catalog LIMIT 1"
)


@pytest.fixture
def noetl_url(new_database: Callable[..., str], template_database: str) -> str:
    """A database of a NoETL server, with rows in both partitions."""
    url = new_database()
    with psycopg.connect(url) as connection:
        connection.execute((HERE / "noetl_server.sql").read_bytes())
        for execution_id in (5, 5_000_000):
            connection.execute(INSERT, (execution_id, 1))
    return url


@pytest.fixture
def owner(noetl_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(noetl_url, autocommit=True) as connection:
        yield connection


def complete(url: str, seconds: float = 60) -> list[str]:
    with DeadlineConnection.open(conninfo(url), time.monotonic() + seconds) as connection:
        return complete_indexes(connection)


def validity(owner: psycopg.Connection[Any]) -> dict[str, bool]:
    rows = owner.execute(
        "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE starts_with(c.relname, 'noetl_sls_')"
    )
    return dict(rows.fetchall())


def partitions(owner: psycopg.Connection[Any]) -> int:
    (number,) = owner.execute(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'noetl.event'::regclass"
    ).fetchone()
    return number


def test_every_partition_has_its_part_and_later_ones_get_theirs(noetl_url, owner):
    migrate(noetl_url, APP_ROLE)
    assert all(validity(owner).values())
    assert len(validity(owner)) == len(NAMES) * (1 + partitions(owner))
    owner.execute(
        "CREATE TABLE noetl.event_9 PARTITION OF noetl.event FOR VALUES FROM (9000000) TO (9999999)"
    )
    (parts,) = owner.execute(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'noetl.event_9'::regclass"
    ).fetchone()
    assert parts >= len(NAMES)


def test_a_second_run_finds_nothing_to_do(noetl_url, owner):
    assert complete(noetl_url) == []
    before = validity(owner)
    assert complete(noetl_url) == []
    assert validity(owner) == before


def test_several_at_once_build_each_part_once(noetl_url, owner):
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: migrate(noetl_url, APP_ROLE), range(3)))
    assert all(validity(owner).values())
    assert len(validity(owner)) == len(NAMES) * (1 + partitions(owner))


def test_a_part_that_was_left_half_built_is_built_anew(noetl_url, owner):
    name = NAMES[0]
    owner.execute(indexes()[name])
    (oid,) = owner.execute("SELECT 'noetl.event_old'::regclass::oid::int").fetchone()
    part = f"{name}_{oid}"
    with psycopg.connect(noetl_url) as writer:
        # A build waits for transactions that are older, and this one gives up meanwhile.
        writer.execute(INSERT, (1006, 1))
        owner.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            owner.execute(f"CREATE INDEX CONCURRENTLY {part} ON noetl.event_old (execution_id)")
        owner.execute("RESET statement_timeout")
    assert validity(owner) == {name: False, part: False}
    assert complete(noetl_url) == []
    assert all(validity(owner).values())


def test_writers_go_on_while_an_index_is_built(noetl_url, owner):
    with ThreadPoolExecutor(1) as thread, psycopg.connect(noetl_url) as slow:
        slow.execute(INSERT, (1006, 1))
        building = thread.submit(complete, noetl_url)
        owner.execute("SET lock_timeout = '2s'")
        for event_id in range(2, 40):
            owner.execute(INSERT, (1007, event_id))
            time.sleep(0.02)
        assert not building.done()
        slow.rollback()
        assert building.result(30) == []
    assert all(validity(owner).values())


def test_what_cannot_be_built_in_time_is_named_and_goes_on_the_next_time(noetl_url, owner):
    with psycopg.connect(noetl_url) as slow:
        slow.execute(INSERT, (1006, 1))
        assert complete(noetl_url, seconds=3) == NAMES
    assert complete(noetl_url) == []


def test_without_the_owners_rights_the_rest_of_the_migration_stands(noetl_url, owner):
    migrate(noetl_url, APP_ROLE)
    owner.execute("DROP INDEX noetl." + ", noetl.".join(NAMES))
    assert complete(as_app(noetl_url)) == NAMES


def test_the_migrate_function_tells_which_indexes_are_missing(noetl_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", noetl_url)
    monkeypatch.setattr(module, "complete_indexes", lambda _: NAMES)
    assert module.migrate_as_set(60)["unfinished"] == NAMES
    monkeypatch.undo()
    monkeypatch.setenv("DATABASE_URL", noetl_url)
    assert "unfinished" not in module.migrate_as_set(60)
