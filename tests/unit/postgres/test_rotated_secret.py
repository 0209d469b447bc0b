"""The database's login in Secrets Manager, and what happens when it changes."""

from __future__ import annotations

import time
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from control_plane.credentials import LoginUnreadable
from control_plane.errors import StoreUnavailable
from control_plane.postgres.connection import Database
from control_plane.postgres.deadline import DeadlineConnection
from control_plane.postgres.sql import needed_version
from control_plane.settings import DatabaseSettings

SETTINGS = DatabaseSettings(database_url="postgresql://db/noetl", database_secret_arn="arn:secret")


class FakeConnection(DeadlineConnection):
    """A connection without a server, which answers everything with the schema's version."""

    is_stale = False
    is_suspect = False

    def __init__(self):
        pass

    def __del__(self):
        pass

    def execute(self, *_):
        row = (needed_version(),)
        return SimpleNamespace(fetchone=lambda: row, fetchall=lambda: [row])

    def close(self):
        pass


class Server:
    """A server and a vault whose password can be changed."""

    def __init__(self, monkeypatch):
        self.password = "first"
        self.vault = "first"
        self.reads = 0
        monkeypatch.setattr(DeadlineConnection, "open", self.open)

    def open(self, conninfo, deadline):
        assert deadline > time.monotonic()
        if conninfo_to_dict(conninfo)["password"] != self.password:
            raise psycopg.OperationalError("password authentication failed")
        return FakeConnection()

    def read_secret(self, arn):
        assert arn == "arn:secret"
        self.reads += 1
        return {"username": "app", "password": self.vault}


@pytest.fixture
def server(monkeypatch):
    return Server(monkeypatch)


@pytest.fixture
def database(server):
    return Database(SETTINGS, read_secret=server.read_secret)


def test_the_secret_is_read_once_for_all_connections(server, database):
    for _ in range(3):
        assert database.probe() == ("ok", "ok")
        database.close()
    assert server.reads == 1


def test_a_rotated_secret_is_read_again(server, database):
    database.probe()
    database.close()
    server.password = server.vault = "second"
    assert database.probe() == ("ok", "ok")
    assert server.reads == 2


def test_a_secret_that_is_refused_when_just_read_is_not_read_again_and_again(server, database):
    server.password = "another"
    with pytest.raises(StoreUnavailable, match="refuses the login"):
        database.fetch("schema_version", {}, repeatable=True)
    assert server.reads == 1


def test_a_secret_that_cannot_be_read_is_a_database_out_of_reach(server):
    def unreadable(arn):
        raise LoginUnreadable("the secret cannot be read: AccessDenied")

    database = Database(SETTINGS, read_secret=unreadable)
    with pytest.raises(StoreUnavailable) as caught:
        database.fetch("schema_version", {}, repeatable=True)
    assert str(caught.value) == (
        "The login for the database is unknown: the secret cannot be read: AccessDenied; try again"
    )
