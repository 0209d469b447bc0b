"""Tokens against a real server: the password of its role stands in for one.

The embedded server is built without TLS, which tokens need, so that one check is switched off.
"""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from control_plane.errors import StoreUnavailable
from control_plane.postgres import login
from control_plane.postgres.connection import Database
from control_plane.postgres.migrate import migrate
from control_plane.settings import DatabaseSettings


class Signer:
    """Signs with what it holds, which the server may take or not."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.signed = 0

    def __call__(self, host, port, user):
        assert (host, user) == ("127.0.0.1", "iam_app")
        self.signed += 1
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]


@pytest.fixture
def database_with(database_url, iam_role, monkeypatch):
    monkeypatch.setattr(login, "_ENCRYPTED", {"disable"})
    url = make_conninfo(database_url, user="iam_app", sslmode="disable")
    settings = DatabaseSettings(database_url=url, database_auth="iam")
    with ExitStack() as opened:

        def database(signer):
            made = Database(settings, sign_token=signer)
            opened.callback(made.close)
            return made

        yield database


@pytest.fixture
def iam_role(database_url):
    migrate(database_url, "iam_app")


@pytest.fixture
def take(database_url, iam_role):
    def take(token):
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(sql.SQL("ALTER ROLE iam_app PASSWORD {}").format(token))

    return take


def test_a_token_that_is_refused_costs_another_one_and_no_request(database_with, take):
    take("fresh")
    signer = Signer("expired", "fresh")
    assert database_with(signer).fetch("schema_version", {}, repeatable=False)
    assert signer.signed == 2


def test_a_connection_outlives_its_token_and_the_next_one_gets_its_own(database_with, take):
    take("first")
    signer = Signer("first", "second")
    database = database_with(signer)
    database.probe()
    take("second")
    assert database.probe() == ("ok", "ok")
    assert signer.signed == 1
    database.close()
    assert database.probe() == ("ok", "ok")
    assert signer.signed == 2


def test_a_role_without_the_right_is_refused_without_a_word_of_the_token(database_with, take):
    take("another")
    with pytest.raises(StoreUnavailable) as caught:
        database_with(Signer("token-marker")).fetch("schema_version", {}, repeatable=True)
    assert str(caught.value) == "The database refuses the login; try again"
