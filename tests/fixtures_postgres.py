"""A real PostgreSQL: one server per test run, one database per test, copied from a template."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from control_plane.postgres.catalog import PostgresCatalogStore
from control_plane.postgres.connection import Database
from control_plane.postgres.execution_log import PostgresExecutionLog
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.postgres.migrate import migrate
from control_plane.postgres.outbox import PostgresOutbox
from control_plane.settings import DatabaseSettings
from local.postgres import PostgresServer
from tests.contract.fake_store import FakeBackend
from tests.virtual_time import pass_time

APP_ROLE = "noetl_serverless_app"
APP_PASSWORD = secrets.token_urlsafe(16)


def in_database(url: str, name: str, **parameters: str) -> str:
    """Return the same login in another database."""
    return make_conninfo(url, dbname=name, **parameters)


def as_app(url: str) -> str:
    """Return the login of the functions in the same database."""
    return make_conninfo(url, user=APP_ROLE, password=APP_PASSWORD)


def administer(url: str, statement: str, *names: str) -> None:
    """Run one statement outside any transaction; `{}` stands for a name."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running server that flushes nothing to disk."""
    with PostgresServer(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer) -> str:
    """The name of a migrated database to which nobody is connected."""
    name = "template_migrated"
    administer(postgres_server.url, "CREATE DATABASE {}", name)
    migrate(in_database(postgres_server.url, name), APP_ROLE)
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(APP_ROLE), APP_PASSWORD)
        )
    return name


@contextmanager
def database_from(template: str, server_url: str) -> Iterator[str]:
    """Make a database, yield its owner's login, and drop it whoever is connected."""
    name = f"test_{secrets.token_hex(6)}"
    administer(server_url, "CREATE DATABASE {} TEMPLATE {}", name, template)
    yield in_database(server_url, name)
    administer(server_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def new_database(postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """Make empty databases of this test's own; returns the owner's login."""
    with ExitStack() as databases:
        yield lambda: databases.enter_context(database_from("template0", postgres_server.url))


@pytest.fixture
def database_url(postgres_server: PostgresServer, template_database: str) -> Iterator[str]:
    """A migrated database of this test's own, as its owner."""
    with database_from(template_database, postgres_server.url) as url:
        yield url


@pytest.fixture
def app_database_url(database_url: str) -> str:
    """The same database, as the functions log in."""
    return as_app(database_url)


class PostgresBackend:
    """A real database and the stores on it, as the contract suite wants them."""

    def __init__(self, owner_url: str, app_url: str) -> None:
        self.app_url = app_url
        self.owner = psycopg.connect(owner_url, autocommit=True)
        self._databases: list[Database] = []

    def database(self, **arguments: Any) -> Database:
        """A sandbox's connection, closed with the test."""
        database = Database(DatabaseSettings(database_url=self.app_url), **arguments)
        self._databases.append(database)
        return database

    def execution_store(self, **arguments: Any) -> PostgresExecutionStore:
        return PostgresExecutionStore(self.database(), hold_days=14, **arguments)

    def catalog_store(self) -> PostgresCatalogStore:
        return PostgresCatalogStore(self.database())

    def execution_log(self, **arguments: Any) -> PostgresExecutionLog:
        return PostgresExecutionLog(self.database(), **arguments)

    def outbox(
        self, renotify_after: int = 300, renotify_limit: int = 5, park_after: int = 86_400
    ) -> PostgresOutbox:
        return PostgresOutbox(self.database(), renotify_after, renotify_limit, park_after)

    def pass_time(self, seconds: float) -> None:
        pass_time(self.owner, seconds)

    def keys(self) -> list[str]:
        return self.column("SELECT key FROM noetl_serverless.start_request ORDER BY 1")

    def append(self, execution_id: int, event_id: int, event_type: str, **columns: Any) -> None:
        given = {"execution_id": execution_id, "event_id": event_id, "event_type": event_type}
        for name, value in (given | columns).items():
            given[name] = Jsonb(value) if isinstance(value, dict) else value
        statement = sql.SQL("INSERT INTO noetl.event ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, given)),
            sql.SQL(", ").join(map(sql.Placeholder, given)),
        )
        self.owner.execute(statement, given)

    def add_entry(
        self, path: str, version: int, content: str | None, payload: dict[str, Any] | None
    ) -> int:
        return self.value(
            "INSERT INTO noetl.catalog (path, version, kind, content, payload)"
            " VALUES (%s, %s, 'playbook', %s, %s) RETURNING catalog_id",
            (path, version, content, Jsonb(payload) if payload is not None else None),
        )

    def expire(self, key: str) -> None:
        self.owner.execute(
            "UPDATE noetl_serverless.start_request SET expires_at = now() WHERE key = %s", (key,)
        )

    def started(self) -> list[int]:
        return self.column("SELECT DISTINCT execution_id FROM noetl.event")

    def pending(self) -> list[int]:
        return self.column("SELECT command_id FROM noetl_serverless.outbox ORDER BY 1")

    def column(self, query: LiteralString) -> list[Any]:
        return [value for (value,) in self.owner.execute(query)]

    def value(self, query: LiteralString, parameters: Sequence[Any] = ()) -> Any:
        return self.owner.execute(query, parameters).fetchone()[0]  # type: ignore[index]

    def rows(self, query: LiteralString, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return self.owner.cursor(row_factory=dict_row).execute(query, parameters).fetchall()

    def close(self) -> None:
        for database in self._databases:
            database.close()
        self.owner.close()


@pytest.fixture
def postgres(database_url: str, app_database_url: str) -> Iterator[PostgresBackend]:
    """The stores on a migrated database of this test's own."""
    backend = PostgresBackend(database_url, app_database_url)
    yield backend
    backend.close()


@pytest.fixture(params=["memory", "postgres"])
def backend(request: pytest.FixtureRequest) -> FakeBackend | PostgresBackend:
    """The stores, once in memory and once real: one contract."""
    if request.param == "memory":
        return FakeBackend()
    return request.getfixturevalue("postgres")
