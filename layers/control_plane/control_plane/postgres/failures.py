"""The seam that the driver's errors cross: what they mean, in words of ours.

No message of the driver or the server is passed on, for they quote hosts, statements and values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg

from control_plane.credentials import LoginUnreadable
from control_plane.errors import (
    ControlPlaneError,
    SchemaNotReady,
    StoreUnavailable,
    UnstorableValue,
)

MIGRATE = "run the migrate function"


class ReferenceGone(StoreUnavailable):
    """A row that another one refers to is gone."""


class UnexpectedDatabaseError(Exception):
    """The database answered with an error that only a defect of ours explains."""


# The first that matches decides.
_MEANINGS: tuple[tuple[type[Exception], type[ControlPlaneError], str], ...] = (
    (pg.InsufficientPrivilege, SchemaNotReady, "The login may not use the database schema"),
    (pg.InvalidSchemaName, SchemaNotReady, "The database schema is missing"),
    (pg.UndefinedTable, SchemaNotReady, "The database schema is missing"),
    (pg.UndefinedFunction, SchemaNotReady, "The database schema is missing or too old"),
    (pg.UndefinedColumn, SchemaNotReady, "The database schema has another shape"),
    (pg.ReadOnlySqlTransaction, StoreUnavailable, "The database is read-only"),
    (pg.DiskFull, StoreUnavailable, "The database is out of disk space"),
    (pg.TooManyConnections, StoreUnavailable, "The database has no connection left"),
    (pg.InsufficientResources, StoreUnavailable, "The database is overloaded"),
    (pg.QueryCanceled, StoreUnavailable, "The database took too long"),
    (pg.LockNotAvailable, StoreUnavailable, "The database took too long"),
    (pg.OperatorIntervention, StoreUnavailable, "The database is restarting or going away"),
    (pg.TransactionRollback, StoreUnavailable, "The database is busy with the same rows"),
    (pg.InvalidAuthorizationSpecification, StoreUnavailable, "The database refuses the login"),
    (pg.InvalidCatalogName, StoreUnavailable, "The database does not exist"),
    (LoginUnreadable, StoreUnavailable, "The login for the database cannot be read"),
    (pg.ForeignKeyViolation, ReferenceGone, "A row that another one refers to is gone"),
    (pg.ProgramLimitExceeded, UnstorableValue, "A value is too large for the database"),
    (pg.StatementTooComplex, UnstorableValue, "A value is nested too deeply for the database"),
    (psycopg.DataError, UnstorableValue, "A value cannot be stored"),
    (UnicodeError, UnstorableValue, "A value cannot be stored"),
)

# While connecting, the driver knows no codes, and only the words of the server tell.
_CONNECTING = (
    (
        "authentication failed|no pg_hba.conf|no password|role .* does not exist",
        "refuses the login",
    ),
    ("database .* does not exist", "does not exist"),
    ("too many (clients|connections)|connection slots", "has no connection left"),
    ("starting up|shutting down|recovery", "is restarting or going away"),
    ("onnection refused", "refuses connections"),
    ("timeout|timed out", "does not answer"),
    ("resolve|Name or service|name resolution", "has an unknown host name"),
    ("SSL|certificate", "offers no trusted TLS connection"),
    ("", "has closed the connection"),
)


@contextmanager
def translated() -> Iterator[None]:
    """Let nothing of the driver out of the block.

    :raises ControlPlaneError: what the driver's error means
    """
    try:
        yield
    except (psycopg.Error, UnicodeError, LoginUnreadable) as error:
        # Without the cause: a traceback in the log would quote the values that it quotes.
        raise meaning_of(error) from None


def meaning_of(error: Exception) -> ControlPlaneError | UnexpectedDatabaseError:
    """Return the error to raise in place of one of the driver's; nothing of its text is in it."""
    for kind, meaning, words in _MEANINGS:
        if isinstance(error, kind):
            return meaning(f"{words}{_advice(meaning)}")
    if isinstance(error, pg.CheckViolation) and not error.diag.constraint_name:
        return StoreUnavailable(f"The database has no partition for the rows; {MIGRATE}")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        words = next(words for pattern, words in _CONNECTING if re.search(pattern, str(error)))
        return StoreUnavailable(f"The database {words}; try again")
    sqlstate = getattr(error, "sqlstate", None)
    return UnexpectedDatabaseError(f"{type(error).__name__}, SQLSTATE {sqlstate}")


def _advice(meaning: type[ControlPlaneError]) -> str:
    if meaning is SchemaNotReady:
        return f"; {MIGRATE}"
    return "; try again" if meaning is StoreUnavailable else ""
