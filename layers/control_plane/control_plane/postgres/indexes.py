"""Builds our indexes on NoETL's event log, partition by partition, while others write to it.

PostgreSQL cannot build an index of a partitioned table without keeping writers out. So first the
parent alone gets it (``ON ONLY``), which is at once and leaves it invalid; then each partition gets
its part ``CONCURRENTLY``, in no transaction, to be attached. With the last part the index becomes
valid, and partitions that are made later get theirs by themselves.

What was interrupted goes on where it was: parts that were attached stay, and one that was left half
built (invalid) is dropped and begun anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from control_plane.postgres.deadline import DeadlineConnection
from control_plane.postgres.sql import indexes

# Not the lock of the migrations: a build waits for every older transaction to end, so nobody may
# wait for it inside of one.
_LOCK = 0x6E6F65746D
_PAUSE_SECONDS = 0.1
# While a lock is waited for, whoever writes next waits behind it.
_LOCK_TIMEOUT = "200ms"

_IS_VALID = """
SELECT indisvalid FROM pg_index
WHERE indexrelid = to_regclass(format('%%I.%%I', %s::text, %s::text))
"""

# The partitions whose part is not attached, oldest first.
_PARTITIONS = """
SELECT schema.nspname, partition.relname, index.relname || '_' || partition.oid AS part,
       substring(pg_get_indexdef(index.oid) FROM ' USING .*') AS definition
FROM pg_class AS index
JOIN pg_index ON pg_index.indexrelid = index.oid
JOIN pg_inherits ON pg_inherits.inhparent = pg_index.indrelid
JOIN pg_class AS partition ON partition.oid = pg_inherits.inhrelid
JOIN pg_namespace AS schema ON schema.oid = partition.relnamespace
WHERE index.oid = to_regclass('noetl.' || %s::text)
  AND NOT EXISTS (
      SELECT FROM pg_inherits AS attached
      JOIN pg_index AS part ON part.indexrelid = attached.inhrelid
      WHERE attached.inhparent = index.oid AND part.indrelid = partition.oid
  )
ORDER BY partition.oid
"""


def complete_indexes(connection: DeadlineConnection) -> list[str]:
    """Build what is missing of our indexes, until shortly before the connection's deadline.

    Two at once do no harm: one waits, and finds nothing left to do.

    :param connection: in autocommit
    :returns: the names of those that are not complete, because the time was over or because the
        login does not own NoETL's tables
    """
    try:
        with _alone(connection):
            for name, definition in indexes().items():
                if _is_valid(connection, "noetl", name) is None:
                    _run(connection, sql.SQL(definition), _LOCK_TIMEOUT)
                if not _is_valid(connection, "noetl", name):
                    _complete(connection, name)
    except (TimeoutError, psycopg.errors.InsufficientPrivilege):
        pass
    return [name for name in indexes() if not _is_valid(connection, "noetl", name)]


@contextmanager
def _alone(connection: DeadlineConnection) -> Iterator[None]:
    # Asked for again and again, since waiting for it would be a transaction.
    while connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
        _seconds_left(connection)
        time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def _complete(connection: DeadlineConnection, index: str) -> None:
    for schema, table, part, definition in connection.execute(_PARTITIONS, (index,)).fetchall():
        if not _is_valid(connection, schema, part):
            drop = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}")
            _run(connection, drop.format(sql.Identifier(schema, part)))
            create = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {}" + definition)
            _run(connection, create.format(sql.Identifier(part), sql.Identifier(schema, table)))
        attach = sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
            sql.Identifier("noetl", index), sql.Identifier(schema, part)
        )
        _run(connection, attach, _LOCK_TIMEOUT)


def _is_valid(connection: DeadlineConnection, schema: str, index: str) -> bool | None:
    """Tell whether an index is usable; None where there is none."""
    row = connection.execute(_IS_VALID, (schema, index)).fetchone()
    return row[0] if row else None


def _run(
    connection: DeadlineConnection, statement: sql.SQL | sql.Composed, lock_timeout: str = "0"
) -> None:
    """Run a statement, for no longer than there is time; a lock is asked for in short tries.

    :raises TimeoutError: the time is over
    """
    while True:
        milliseconds = str(int(_seconds_left(connection) * 1000))
        for name, value in (("statement_timeout", milliseconds), ("lock_timeout", lock_timeout)):
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        try:
            connection.execute(statement)
        except psycopg.errors.LockNotAvailable:
            time.sleep(_PAUSE_SECONDS)
        except psycopg.errors.QueryCanceled:
            raise TimeoutError from None
        else:
            return


def _seconds_left(connection: DeadlineConnection) -> float:
    # A little is kept, since at its deadline the connection is closed.
    left = connection.deadline - time.monotonic() - 2
    if left <= 0:
        raise TimeoutError
    return left
