"""Brings a database to the schema that this code needs: forward only, again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NotRequired, TypedDict

import psycopg

from control_plane.errors import SchemaNotReady
from control_plane.postgres.deadline import DeadlineConnection
from control_plane.postgres.failures import translated
from control_plane.postgres.indexes import complete_indexes
from control_plane.postgres.login import DatabaseLogin, conninfo
from control_plane.postgres.sql import access, migrations, needed_version
from control_plane.settings.migrate import MigrateSettings

# The same in every release: by it, two migrations at once find each other.
_LOCK = 0x6E6F65746C

_RESERVE_SECONDS = 20
"""Kept from the time that an invocation has, so that whoever waits for it is answered."""


class Migrated(TypedDict):
    """What was applied now, and the schema version that this release needs and has.

    ``unfinished`` are indexes that are not there yet, as `complete_indexes` says. Until they are,
    lists of executions are slow, and nothing else.
    """

    applied: list[str]
    version: int
    unfinished: NotRequired[list[str]]


def migrate_as_set(seconds: float) -> Migrated:
    """Migrate the database that the environment names.

    :param seconds: what is left of the invocation
    :raises ConfigurationError: names each variable that is missing or malformed
    :raises StoreUnavailable: as `migrate`
    """
    settings = MigrateSettings.from_environment()
    with translated():
        url = DatabaseLogin(settings).conninfo()
    budget = max(seconds - _RESERVE_SECONDS, seconds / 2)
    applied, unfinished = _migrate(
        url, settings.app_role, budget, uses_iam=settings.app_role_uses_iam
    )
    migrated = Migrated(applied=applied, version=needed_version())
    if unfinished:
        migrated["unfinished"] = unfinished
    return migrated


def migrate(url: str, app_role: str, *, seconds: float = 600, uses_iam: bool = False) -> list[str]:
    """Apply what is missing, then see to the app's role and its rights.

    Each migration is applied as a whole or not at all. Two at once do no harm: one waits.

    :param url: a login that owns the database, or may create schemas and roles in it
    :param app_role: the role that the functions log in as; created where it is missing, without
        a password
    :param seconds: the longest time that all of it may take
    :param uses_iam: whether the role logs in with tokens of RDS, which then takes no password
    :returns: the names of the migrations that this call applied, in order
    :raises StoreUnavailable: the database cannot answer
    :raises SchemaNotReady: a migration was refused; names it and says why
    """
    applied, _ = _migrate(url, app_role, seconds, uses_iam=uses_iam)
    return applied


def _migrate(
    url: str, app_role: str, seconds: float, *, uses_iam: bool = False
) -> tuple[list[str], list[str]]:
    applied = []
    with translated():
        connection = DeadlineConnection.open(conninfo(url), time.monotonic() + seconds)
    # So that each statement sees what another migration has done while this one waited for it.
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    with connection:
        for version, (name, text) in migrations().items():
            with _step(connection, name):
                if version not in _versions(connection):
                    connection.execute(text)
                    connection.execute(
                        "INSERT INTO noetl_serverless.schema_version (version, name)"
                        " VALUES (%s, %s)",
                        (version, name),
                    )
                    applied.append(name)
        with _step(connection, "access"):
            _set(connection, "noetl_serverless.app_role", app_role)
            _set(connection, "noetl_serverless.uses_iam", str(uses_iam))
            connection.execute(access())
        with translated():
            unfinished = complete_indexes(connection)
    return applied, unfinished


@contextmanager
def _step(connection: DeadlineConnection, name: str) -> Iterator[None]:
    """Run the block in a transaction of its own that excludes other migrations."""
    refusal = None
    with translated():
        try:
            with connection.transaction():
                left = max(1.0, connection.deadline - time.monotonic())
                _set(connection, "statement_timeout", f"{int(left * 1000)}ms")
                _set(connection, "client_min_messages", "warning")
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                # A table in use is not waited for long: whoever uses it next would wait as well.
                _set(connection, "lock_timeout", "10s")
                yield
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            # The statements are ours and hold no value of a caller's, so neither does this.
            refusal = f"Migration {name} was refused: {error.diag.message_primary}"
    if refusal is not None:
        raise SchemaNotReady(refusal)


def _set(connection: DeadlineConnection, name: str, value: str) -> None:
    """Set a parameter for the transaction at hand."""
    connection.execute("SELECT set_config(%s, %s, true)", (name, value))


def _versions(connection: DeadlineConnection) -> set[int]:
    found = connection.execute("SELECT to_regclass('noetl_serverless.schema_version')").fetchone()
    if found == (None,):
        return set()
    rows = connection.execute("SELECT version FROM noetl_serverless.schema_version").fetchall()
    return {version for (version,) in rows}
