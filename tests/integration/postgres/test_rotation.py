"""A password that is rotated under a running sandbox: real server, Secrets Manager by moto."""

from __future__ import annotations

import os
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from control_plane.errors import StoreUnavailable
from control_plane.postgres.connection import Database
from control_plane.postgres.migrate import migrate
from control_plane.settings import DatabaseSettings
from tests.fixtures_postgres import administer

ROLE = "rotated_app"


@pytest.fixture
def set_password(database_url):
    migrate(database_url, ROLE)

    def set_password(password):
        """Change it and end the role's sessions, as an administrator does who means it."""
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(ROLE), password)
            )
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (ROLE,)
            )

    yield set_password
    administer(database_url, "DROP OWNED BY {}", ROLE)
    administer(database_url, "DROP ROLE {}", ROLE)


@pytest.fixture
def secret(secrets_manager, set_password):
    set_password("first-password")
    return secrets_manager({"username": ROLE, "password": "first-password"})


@pytest.fixture
def database(secret, database_url):
    url = make_conninfo(database_url, user="nobody", password="none")
    settings = DatabaseSettings(database_url=url, database_secret_arn=secret.arn)
    with closing(Database(settings)) as database:
        yield database


def test_no_request_fails_when_the_password_has_changed(database, secret, set_password):
    database.fetch("schema_version", {}, repeatable=True)

    secret.put({"username": ROLE, "password": "second-password"})
    set_password("second-password")

    for repeatable in (True, False):
        database.fetch("schema_version", {}, repeatable=repeatable)


def test_a_password_of_which_the_secret_does_not_know_is_told_without_either(
    database, set_password, caplog, capfd
):
    database.fetch("schema_version", {}, repeatable=True)
    set_password("second-password")

    with pytest.raises(StoreUnavailable) as caught:
        database.fetch("schema_version", {}, repeatable=True)

    said = f"{caught.value} {caught.value.__cause__!r} {caplog.text} {capfd.readouterr()}"
    for password in ("first-password", "second-password"):
        assert password not in said
        assert password not in str(os.environ)
