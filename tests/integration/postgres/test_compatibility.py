"""The migration runs first, and the code before it goes on: it must find what it found.

``former/NNNN.sql`` has the statements of the code that was written for schema version NNNN, each
after its name. A release adds its own::

    cd layers/control_plane/control_plane/postgres/queries
    for f in *.sql; do echo "--- ${f%.sql}"; cat $f; done > …/former/NNNN.sql

and what no running code sends any more is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from control_plane.postgres.sql import migrations, needed_version
from tests.fixtures_postgres import PostgresBackend

FORMER = sorted(Path(__file__).with_name("former").glob("*.sql"))

FUNCTIONS = """
    SELECT p.oid::regprocedure || ' (' || pg_get_function_arguments(p.oid) || ') RETURNS '
        || pg_get_function_result(p.oid)
    FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace('noetl_serverless')
"""
COLUMNS = """
    SELECT a.attrelid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace IN (to_regnamespace('noetl_serverless'), to_regnamespace('noetl'))
        AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
MUST_BE_GIVEN = """
    SELECT a.attrelid::regclass || '.' || a.attname
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = to_regnamespace('noetl_serverless') AND c.relkind IN ('r', 'p')
        AND a.attnum > 0 AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
"""


class Surface:
    """What code can call and name in a database."""

    def __init__(self, connection: psycopg.Connection) -> None:
        def column(query: str) -> set[str]:
            return {value for (value,) in connection.execute(query)}  # type: ignore[arg-type]

        self.offered = column(FUNCTIONS) | column(COLUMNS)
        self.demanded = column(MUST_BE_GIVEN)
        self.tables = {name.partition(".")[0] for name in map(str, column(COLUMNS))}

    def breaks(self, before: Surface) -> set[str]:
        """What code that was written for the surface before would miss."""
        new_demands = {
            name for name in self.demanded - before.demanded
            if any(one.startswith(f"{name.rpartition('.')[0]}.") for one in before.offered)
        }  # fmt: skip
        return (before.offered - self.offered) | new_demands


@pytest.fixture
def empty(new_database: Callable[[], str]):
    with psycopg.connect(new_database(), autocommit=True) as connection:
        yield connection


def test_no_migration_takes_away_what_the_code_before_it_needs(empty):
    surface = Surface(empty)
    for name, text in migrations().values():
        empty.execute(text)
        before, surface = surface, Surface(empty)
        assert surface.breaks(before) == set(), name
    assert any("record_start(" in one for one in surface.offered)


@pytest.mark.parametrize(
    "broken",
    [
        "ALTER FUNCTION noetl_serverless.record_start RENAME TO record_start_2",
        "DROP FUNCTION noetl_serverless.register_playbook; CREATE FUNCTION"
        " noetl_serverless.register_playbook(p_path text) RETURNS bigint"
        " LANGUAGE sql AS 'SELECT 1::bigint'",
        "ALTER TABLE noetl_serverless.outbox RENAME COLUMN last_error TO error",
        "ALTER TABLE noetl_serverless.outbox DROP COLUMN traceparent",
        "ALTER TABLE noetl_serverless.outbox ADD COLUMN region text NOT NULL",
        "ALTER TABLE noetl_serverless.outbox ALTER COLUMN traceparent SET NOT NULL",
        "ALTER TABLE noetl_serverless.outbox ALTER COLUMN attempts TYPE bigint",
    ],
)
def test_a_migration_that_would_break_running_code_is_noticed(database_url: str, broken: str):
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = Surface(connection)
        connection.execute(broken)  # type: ignore[arg-type]
        assert Surface(connection).breaks(before)


@pytest.mark.parametrize(
    "kept",
    [
        "ALTER TABLE noetl_serverless.outbox ADD COLUMN region text",
        "ALTER TABLE noetl_serverless.outbox ADD COLUMN region text NOT NULL DEFAULT 'here'",
        "CREATE TABLE noetl_serverless.quota (tenant text PRIMARY KEY)",
        "CREATE FUNCTION noetl_serverless.record_start_2() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_a_migration_that_only_adds_is_none_of_them(database_url: str, kept: str):
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = Surface(connection)
        connection.execute(kept)  # type: ignore[arg-type]
        assert Surface(connection).breaks(before) == set()


@pytest.mark.parametrize("file", FORMER, ids=lambda file: file.stem)
def test_the_statements_of_code_that_still_runs_are_understood(
    postgres: PostgresBackend, file: Path
):
    assert int(file.stem) < needed_version()
    statements = re.findall(r"^--- (\w+)\n(.*?)(?=^--- |\Z)", file.read_text(), re.M | re.S)
    assert len(statements) > 10
    with psycopg.connect(postgres.app_url, autocommit=True) as app:
        for name, text in statements:
            parameters = dict.fromkeys(re.findall(r"%\((\w+)\)s", text))
            try:
                app.execute(f"EXPLAIN {text}", parameters)  # type: ignore[arg-type]
            except psycopg.Error as error:
                pytest.fail(f"{name}: {error}")


def test_code_of_an_older_schema_takes_the_newer_one(postgres: PostgresBackend, monkeypatch):
    monkeypatch.setattr("control_plane.postgres.connection.needed_version", lambda: 6)
    assert postgres.database().probe() == ("ok", "ok")
