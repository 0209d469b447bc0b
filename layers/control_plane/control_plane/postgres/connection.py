"""One connection per sandbox: opened when first needed, checked before use, never waited for long.

A sandbox serves one request at a time and is frozen in between, so there is no pool and no thread
here. What a pool's watchdog would notice, the socket is asked before each statement; and the wait
for an answer ends by a deadline of this side, since a silent peer keeps none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg

from control_plane import invocation
from control_plane.credentials import database_token, login_from_secret
from control_plane.errors import ControlPlaneError, SchemaNotReady
from control_plane.ports import Work, nothing
from control_plane.postgres.deadline import DeadlineConnection, Row
from control_plane.postgres.failures import MIGRATE, refuses_login, translated, wrote_nothing
from control_plane.postgres.login import DatabaseLogin
from control_plane.postgres.sql import needed_version
from control_plane.postgres.texts import Value
from control_plane.settings import DatabaseSettings

BUDGET_SECONDS = 5.0
"""What one call may take, connecting and a second try included."""
SIGN_OF_LIFE_SECONDS = 0.5
"""How long the first answer after a pause is waited for, before another connection is tried."""

Answer = TypeVar("Answer")

# A forked process shares its connection with the original, which closing would end for both. So
# what was forgotten is kept.
_forgotten: list[object] = []


class Statements(Protocol):
    """Where the statements of ``queries/`` are sent."""

    def fetch(self, name: str, parameters: Mapping[str, Any], *, repeatable: bool) -> Row:
        """Send ``queries/<name>.sql`` and return its first row; see `Database.fetch`."""
        ...

    def fetch_all(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Send ``queries/<name>.sql`` and return its rows; see `Database.fetch_all`."""
        ...

    def fetch_json(
        self, name: str, parameters: Mapping[str, Value], meanwhile: Work = nothing
    ) -> Any:
        """Send ``queries/<name>.sql`` and return its one value; see `Database.fetch_json`."""
        ...


class Database:
    """The database that ``DATABASE_URL`` names; for one thread at a time.

    :param budget: seconds that one call may take, whatever the server does; what is left of the
        invocation is a limit as well
    :param read_secret: how the login of ``DATABASE_SECRET_ARN`` is read
    :param sign_token: makes a token of host, port and user
    :raises ConfigurationError: ``DATABASE_URL`` is no URL, or none for ``DATABASE_AUTH``
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        budget: float = BUDGET_SECONDS,
        read_secret: Callable[[str], Mapping[str, str]] = login_from_secret,
        sign_token: Callable[[str, int, str], str] = database_token,
    ) -> None:
        self._login = DatabaseLogin(settings, read_secret, sign_token)
        self._budget = budget
        self._connection: DeadlineConnection | None = None

    def fetch(self, name: str, parameters: Mapping[str, Any], *, repeatable: bool) -> Row:
        """Send ``queries/<name>.sql`` and return its first row: one round trip, one transaction.

        :param repeatable: whether it may be sent again when the connection was lost before its
            answer came, for it may or may not have been carried out
        :raises StoreUnavailable: the database cannot answer now
        :raises SchemaNotReady: the migrations have not run, or not far enough
        """
        with translated():
            if not repeatable and self._connection is not None and self._connection.is_suspect:
                self._try_twice(_schema_version)
            return _first(
                self._try_twice(
                    lambda connection: connection.fetch_all(name, parameters),
                    tries=2 if repeatable else 1,
                )
            )

    def fetch_json(
        self, name: str, parameters: Mapping[str, Value], meanwhile: Work = nothing
    ) -> Any:
        """Send ``queries/<name>.sql``, which may be sent again, and return its one JSON value.

        :param meanwhile: is done while the server works, each time that the statement is sent
        :raises StoreUnavailable: as `fetch`
        :raises SchemaNotReady: as `fetch`
        """
        with translated():
            return self._try_twice(
                lambda connection: connection.fetch_json(name, parameters, meanwhile)
            )

    def fetch_all(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Send ``queries/<name>.sql``, which may be sent again, and return its rows.

        :raises StoreUnavailable: as `fetch`
        """
        with translated():
            return self._try_twice(lambda connection: connection.fetch_all(name, parameters))

    @contextmanager
    def rolled_back(self) -> Iterator[Statements]:
        """Send the statements of the block in one transaction, and undo all that they did.

        All of it in the time of one call. Nothing is sent again when the connection is lost: on
        another one it would be outside of the transaction, and stand.

        :raises StoreUnavailable: as `fetch`
        """
        with translated():
            connection = self._usable(invocation.deadline(self._budget), checked=True)
            with connection.transaction(force_rollback=True):
                yield _Transaction(connection)

    def probe(self) -> tuple[str, str]:
        """Return a word for the database and one for its schema.

        The one is ``ok`` or ``unreachable``, the other ``ok``, ``missing``, ``outdated`` or
        ``unknown``.
        """
        try:
            with translated():
                version = self._try_twice(_schema_version, checked=False)
        except SchemaNotReady:
            return "ok", "missing"
        except ControlPlaneError:
            return "unreachable", "unknown"
        return "ok", "ok" if version >= needed_version() else "outdated"

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def forget(self) -> None:
        """Leave the connection behind without touching it: it may be a clone's.

        For a process that was forked, or restored from a snapshot.
        """
        _forgotten.append(self._connection)
        self._connection = None

    def _try_twice(
        self,
        ask: Callable[[DeadlineConnection], Answer],
        *,
        tries: int = 2,
        checked: bool = True,
    ) -> Answer:
        deadline = invocation.deadline(self._budget)
        while True:
            tries -= 1
            connection = self._usable(deadline, checked=checked)
            if tries and connection.is_suspect:
                connection.deadline = min(deadline, time.monotonic() + SIGN_OF_LIFE_SECONDS)
            try:
                return ask(connection)
            except psycopg.DataError:
                raise
            except psycopg.Error as error:
                # Whatever it was, the next one starts afresh: after a failover, what was the
                # writer goes on as a reader, and its connections with it.
                is_lost = connection.closed or wrote_nothing(error)
                self.close()
                if not (is_lost and tries and time.monotonic() < deadline):
                    raise

    def _usable(self, deadline: float, *, checked: bool) -> DeadlineConnection:
        if self._connection is not None and self._connection.is_stale:
            self.close()
        if self._connection is None:
            self._connection = self._open(deadline)
        connection = self._connection
        connection.deadline = deadline
        if checked and not connection.is_checked:
            version = _schema_version(connection)
            if version < needed_version():
                raise SchemaNotReady(
                    f"The database schema has version {version}, needed is {needed_version()}; "
                    f"{MIGRATE}"
                )
            connection.is_checked = True
        return connection

    def _open(self, deadline: float) -> DeadlineConnection:
        may_be_old = self._login.may_be_old
        try:
            return DeadlineConnection.open(self._login.conninfo(), deadline)
        except psycopg.OperationalError as error:
            if not may_be_old or not refuses_login(error):
                raise
        self._login.forget()
        return DeadlineConnection.open(self._login.conninfo(), deadline)


class _Transaction:
    """`Statements` on one connection, which is never replaced."""

    def __init__(self, connection: DeadlineConnection) -> None:
        self._connection = connection

    def fetch(self, name: str, parameters: Mapping[str, Any], *, repeatable: bool) -> Row:  # noqa: ARG002
        with translated():
            return _first(self._connection.fetch_all(name, parameters))

    def fetch_all(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        with translated():
            return self._connection.fetch_all(name, parameters)

    def fetch_json(
        self, name: str, parameters: Mapping[str, Value], meanwhile: Work = nothing
    ) -> Any:
        with translated():
            return self._connection.fetch_json(name, parameters, meanwhile)


def _schema_version(connection: DeadlineConnection) -> int:
    (version,) = _first(connection.fetch_all("schema_version", {}))
    return int(version)


def _first(rows: list[Answer]) -> Answer:
    if not rows:
        raise psycopg.InternalError("no row")
    return rows[0]
