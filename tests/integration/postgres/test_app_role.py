"""The role that the functions log in as: what it may do, what it may not, and its defaults."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from control_plane.postgres.migrate import migrate
from tests.fixtures_postgres import APP_ROLE, administer, as_app, database_from


@pytest.fixture(scope="module")
def app(postgres_server, template_database: str) -> Iterator[psycopg.Connection]:
    """A session of the app; none of these tests leaves anything in its database."""
    with (
        database_from(template_database, postgres_server.url) as url,
        psycopg.connect(as_app(url), autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture
def role(database_url: str) -> Iterator[str]:
    """A name that no role has yet; whatever got it is dropped."""
    name = f"role_{secrets.token_hex(4)}"
    yield name
    administer(database_url, "DROP OWNED BY {}", name)
    administer(database_url, "DROP ROLE {}", name)


def one(url: str, query, parameters=()):
    with psycopg.connect(url) as connection:
        return connection.execute(query, parameters).fetchone()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE noetl_serverless.mine ()",
        "CREATE TABLE noetl.mine ()",
        "CREATE SCHEMA mine",
        "CREATE INDEX mine ON noetl.event (event_type)",
        "ALTER TABLE noetl_serverless.outbox ADD COLUMN mine text",
        "DROP TABLE noetl_serverless.outbox",
        "DROP FUNCTION noetl_serverless.record_start",
        "TRUNCATE noetl_serverless.outbox",
        "UPDATE noetl.event SET status = ''",
        "DELETE FROM noetl.event",
        "UPDATE noetl.catalog SET content = ''",
        "DELETE FROM noetl.command",
        "INSERT INTO noetl.resource VALUES ('mine')",
        "UPDATE noetl_serverless.schema_version SET version = 0",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
    ],
)
def test_the_app_cannot(app: psycopg.Connection, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


RIGHTS = {
    "noetl.catalog": {"SELECT", "INSERT"},
    "noetl.command": {"SELECT", "INSERT"},
    "noetl.event": {"SELECT", "INSERT"},
    "noetl.resource": {"SELECT"},
    "noetl_serverless.cancellation": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "noetl_serverless.outbox": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "noetl_serverless.relay": {"SELECT", "UPDATE"},
    "noetl_serverless.schema_version": {"SELECT"},
    "noetl_serverless.start_request": {"SELECT", "INSERT", "UPDATE", "DELETE"},
}
"""All of them: who adds a table decides here what the functions may do with it."""


def test_the_app_has_these_rights_and_no_others(app: psycopg.Connection):
    granted = app.execute(
        "SELECT table_schema || '.' || table_name, array_agg(privilege_type::text)"
        " FROM information_schema.table_privileges"
        " WHERE grantee IN (current_user, 'PUBLIC') AND table_schema LIKE 'noetl%' GROUP BY 1"
    )
    assert {table: set(rights) for table, rights in granted} == RIGHTS


def test_no_function_of_ours_runs_with_more_rights_than_its_caller(app: psycopg.Connection):
    functions = app.execute(
        "SELECT proname, prosecdef FROM pg_proc"
        " WHERE pronamespace = 'noetl_serverless'::regnamespace"
    ).fetchall()
    assert functions
    assert [name for name, is_definers in functions if is_definers] == []


def test_the_app_may_work_on_what_is_its_own(app: psycopg.Connection):
    for table in ("start_request", "outbox"):
        app.execute(f"SELECT FROM noetl_serverless.{table} FOR UPDATE")
        app.execute(f"DELETE FROM noetl_serverless.{table}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statement_timeout", "8s"),
        ("lock_timeout", "4s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("default_transaction_isolation", "read committed"),
        ("TimeZone", "UTC"),
    ],
)
def test_sessions_of_the_app_begin_with(app: psycopg.Connection, name: str, value: str):
    assert app.execute("SELECT current_setting(%s)", (name,)).fetchone() == (value,)


def test_the_role_can_log_in_and_nothing_more(database_url: str):
    query = (
        "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " FROM pg_roles WHERE rolname = %s"
    )
    assert one(database_url, query, (APP_ROLE,)) == (True, False, False, False, False, False)


def test_a_new_role_gets_no_password(database_url: str, role: str):
    migrate(database_url, role)
    assert one(database_url, "SELECT rolpassword FROM pg_authid WHERE rolname = %s", (role,)) == (
        None,
    )


def test_a_default_that_an_operator_has_set_stays(database_url: str, role: str):
    administer(database_url, "CREATE ROLE {} LOGIN", role)
    administer(database_url, "ALTER ROLE {} SET statement_timeout = '30s'", role)
    migrate(database_url, role)
    migrate(database_url, role)
    (config,) = one(database_url, "SELECT rolconfig FROM pg_roles WHERE rolname = %s", (role,))
    assert "statement_timeout=30s" in config
    assert len(config) == 5


@pytest.mark.parametrize(("uses_iam", "is_member"), [(True, True), (False, False)])
def test_tokens_of_rds_are_for_who_asks(
    database_url: str, role: str, uses_iam: bool, is_member: bool
):
    administer(database_url, "CREATE ROLE rds_iam")
    try:
        migrate(database_url, role, uses_iam=uses_iam)
        migrate(database_url, role, uses_iam=uses_iam)
        query = "SELECT pg_has_role(%s, 'rds_iam', 'MEMBER')"
        assert one(database_url, query, (role,)) == (is_member,)
    finally:
        administer(database_url, "DROP ROLE rds_iam")


def test_without_rds_there_is_no_such_role_to_be_in(database_url: str, role: str):
    assert migrate(database_url, role, uses_iam=True) == []
