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


# By SQLSTATE or its first characters; the first that matches decides.
_BY_CODE: tuple[tuple[str, type[ControlPlaneError], str], ...] = (
    ("42501", SchemaNotReady, "The login may not use the database schema"),
    ("3F000", SchemaNotReady, "The database schema is missing"),
    ("42P01", SchemaNotReady, "The database schema is missing"),
    ("42883", SchemaNotReady, "The database schema is missing or too old"),
    ("42703", SchemaNotReady, "The database schema has another shape"),
    ("25006", StoreUnavailable, "The database is read-only"),
    ("53100", StoreUnavailable, "The database is out of disk space"),
    ("53300", StoreUnavailable, "The database has no connection left"),
    ("53", StoreUnavailable, "The database is overloaded"),
    ("57014", StoreUnavailable, "The database took too long"),
    ("55P03", StoreUnavailable, "The database took too long"),
    ("57", StoreUnavailable, "The database is restarting or going away"),
    ("40", StoreUnavailable, "The database is busy with the same rows"),
    ("25", StoreUnavailable, "The database ended the transaction"),
    ("28", StoreUnavailable, "The database refuses the login"),
    ("3D", StoreUnavailable, "The database does not exist"),
    ("08", StoreUnavailable, "The database has closed the connection"),
    ("58", StoreUnavailable, "The database has a fault of its own"),
    ("23503", ReferenceGone, "A row that another one refers to is gone"),
    ("54", UnstorableValue, "A value is too large or nested too deeply for the database"),
    ("22", UnstorableValue, "A value cannot be stored"),
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
    code = getattr(error, "sqlstate", None)
    if code is not None:
        return _meaning_of_code(code, error)
    if isinstance(error, LoginUnreadable):
        return StoreUnavailable(f"The login for the database is unknown: {error}; try again")
    if isinstance(error, psycopg.DataError | UnicodeError):
        return UnstorableValue("A value cannot be stored")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        words = next(words for pattern, words in _CONNECTING if re.search(pattern, str(error)))
        return StoreUnavailable(f"The database {words}; try again")
    return UnexpectedDatabaseError(type(error).__name__)


def refuses_login(error: psycopg.Error) -> bool:
    """Tell whether another login may be taken; while connecting, only the server's words tell."""
    return re.search(_CONNECTING[0][0], str(error)) is not None


def wrote_nothing(error: psycopg.Error) -> bool:
    """Tell whether it is certain that the statement left nothing, and may pass when repeated."""
    return (error.sqlstate or "").startswith(("25006", "40001", "40P01"))


def _meaning_of_code(code: str, error: Exception) -> ControlPlaneError | UnexpectedDatabaseError:
    for prefix, meaning, words in _BY_CODE:
        if code.startswith(prefix):
            return meaning(f"{words}{_advice(meaning)}")
    if isinstance(error, pg.CheckViolation) and not error.diag.constraint_name:
        return StoreUnavailable("The database has no partition for the rows; try again")
    return UnexpectedDatabaseError(f"{type(error).__name__}, SQLSTATE {code}")


def _advice(meaning: type[ControlPlaneError]) -> str:
    if meaning is SchemaNotReady:
        return f"; {MIGRATE}"
    return "; try again" if meaning is StoreUnavailable else ""
