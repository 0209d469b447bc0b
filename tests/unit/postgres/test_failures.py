"""What errors of the driver mean to a caller, and what no caller is told."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg

from control_plane.credentials import LoginUnreadable
from control_plane.errors import SchemaNotReady, StoreUnavailable, UnstorableValue
from control_plane.postgres.failures import (
    ReferenceGone,
    UnexpectedDatabaseError,
    meaning_of,
    translated,
    wrote_nothing,
)

DETAILS = 'connection to server at "db.internal" (10.0.0.7), port 5432 failed: FATAL:  '


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (pg.ReadOnlySqlTransaction, StoreUnavailable),
        (pg.DiskFull, StoreUnavailable),
        (pg.OutOfMemory, StoreUnavailable),
        (pg.TooManyConnections, StoreUnavailable),
        (pg.AdminShutdown, StoreUnavailable),
        (pg.CannotConnectNow, StoreUnavailable),
        (pg.QueryCanceled, StoreUnavailable),
        (pg.LockNotAvailable, StoreUnavailable),
        (pg.SerializationFailure, StoreUnavailable),
        (pg.DeadlockDetected, StoreUnavailable),
        (pg.CheckViolation, StoreUnavailable),
        (pg.InvalidPassword, StoreUnavailable),
        (pg.ConnectionFailure, StoreUnavailable),
        (pg.IdleInTransactionSessionTimeout, StoreUnavailable),
        (pg.TransactionTimeout, StoreUnavailable),
        (pg.SystemError, StoreUnavailable),
        (LoginUnreadable, StoreUnavailable),
        (pg.UndefinedTable, SchemaNotReady),
        (pg.UndefinedFunction, SchemaNotReady),
        (pg.UndefinedColumn, SchemaNotReady),
        (pg.InvalidSchemaName, SchemaNotReady),
        (pg.InsufficientPrivilege, SchemaNotReady),
        (pg.ForeignKeyViolation, ReferenceGone),
        (pg.UntranslatableCharacter, UnstorableValue),
        (pg.InvalidTextRepresentation, UnstorableValue),
        (pg.NumericValueOutOfRange, UnstorableValue),
        (pg.StatementTooComplex, UnstorableValue),
        (pg.ProgramLimitExceeded, UnstorableValue),
        (pg.SyntaxError, UnexpectedDatabaseError),
        (pg.NotNullViolation, UnexpectedDatabaseError),
    ],
)
def test_every_error_has_one_meaning(error, meaning):
    assert type(meaning_of(error(f"{DETAILS}value secret-marker"))) is meaning


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (pg.ReadOnlySqlTransaction, "The database is read-only; try again"),
        (pg.DiskFull, "The database is out of disk space; try again"),
        (pg.OutOfMemory, "The database is overloaded; try again"),
        (pg.TooManyConnections, "The database has no connection left; try again"),
        (pg.AdminShutdown, "The database is restarting or going away; try again"),
        (pg.QueryCanceled, "The database took too long; try again"),
        (pg.DeadlockDetected, "The database is busy with the same rows; try again"),
        (pg.UndefinedTable, "The database schema is missing; run the migrate function"),
    ],
)
def test_what_is_the_matter_is_told_with_what_to_do(error, told: str):
    assert str(meaning_of(error(f"{DETAILS}value secret-marker"))) == told


@pytest.mark.parametrize(
    ("error", "may_be_repeated"),
    [
        (pg.DeadlockDetected, True),
        (pg.SerializationFailure, True),
        (pg.ReadOnlySqlTransaction, True),
        (pg.StatementCompletionUnknown, False),
        (pg.AdminShutdown, False),
        (psycopg.OperationalError, False),
    ],
)
def test_only_some_errors_tell_that_nothing_was_written(error, may_be_repeated: bool):
    assert wrote_nothing(error()) is may_be_repeated


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ('password authentication failed for user "app"', "refuses the login"),
        ("no pg_hba.conf entry for host", "refuses the login"),
        ('database "noetl" does not exist', "does not exist"),
        ("sorry, too many clients already", "has no connection left"),
        ("remaining connection slots are reserved", "has no connection left"),
        ("the database system is starting up", "is restarting or going away"),
        ("Connection refused", "refuses connections"),
        ("connection timeout expired", "does not answer"),
        ("failed to resolve host 'db.internal'", "has an unknown host name"),
        ("SSL error: certificate verify failed", "offers no trusted TLS connection"),
        ("server closed the connection unexpectedly", "has closed the connection"),
    ],
)
def test_a_failed_connection_is_named_without_its_address(words: str, told: str):
    error = meaning_of(psycopg.OperationalError(DETAILS + words))
    assert str(error) == f"The database {told}; try again"


def test_an_unexpected_error_names_its_code_and_nothing_else():
    error = meaning_of(pg.NotNullViolation("null value; failing row contains (secret-marker)"))
    assert str(error) == "NotNullViolation, SQLSTATE 23502"


def test_the_cause_is_cut_off():
    with pytest.raises(StoreUnavailable) as caught, translated():
        raise pg.DiskFull("secret-marker")
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


def test_errors_of_ours_pass():
    with pytest.raises(SchemaNotReady, match="as it was"), translated():
        raise SchemaNotReady("as it was")


def test_text_that_is_no_utf8_is_unstorable():
    with pytest.raises(UnstorableValue), translated():
        "\ud800".encode()
