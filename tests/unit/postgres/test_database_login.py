"""Which login a connection gets, by ``DATABASE_AUTH``."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from control_plane.certificates import AWS
from control_plane.errors import ConfigurationError
from control_plane.postgres.login import DatabaseLogin
from control_plane.settings import DatabaseSettings


def login_for(url="postgresql://app@db/noetl", auth="iam", arn=None):
    settings = DatabaseSettings(database_url=url, database_auth=auth, database_secret_arn=arn)
    asked = iter(range(9))
    return DatabaseLogin(
        settings,
        read_secret=lambda arn: {"username": "rotated", "password": f"{arn}-{next(asked)}"},
        sign_token=lambda host, port, user: f"{user}@{host}:{port}-{next(asked)}",
    )


def test_a_token_is_signed_for_each_connection_and_checked_by_the_aws_roots():
    login = login_for()
    first, second = (conninfo_to_dict(login.conninfo()) for _ in range(2))
    assert [first["password"], second["password"]] == ["app@db:5432-0", "app@db:5432-1"]
    assert (first["sslmode"], first["sslrootcert"]) == ("verify-full", str(AWS))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://db/noetl", "a user and one host"),
        ("postgresql://app@/noetl", "a user and one host"),
        ("postgresql://app@one,two/noetl", "a user and one host"),
        ("postgresql://app@db/noetl?sslmode=prefer", "TLS"),
        ("postgresql://app@db/noetl?sslmode=disable", "TLS"),
    ],
)
def test_a_url_that_tokens_are_not_made_for_is_refused_at_once(url, why):
    with pytest.raises(ConfigurationError, match=why):
        login_for(url)


def test_a_secret_is_kept_until_it_is_forgotten():
    login = login_for(auth="secret", arn="arn")
    assert login.conninfo() == login.conninfo()
    login.forget()
    assert conninfo_to_dict(login.conninfo())["password"] == "arn-1"


def test_a_secret_that_is_not_named_is_refused_at_once():
    with pytest.raises(ConfigurationError, match="DATABASE_SECRET_ARN"):
        login_for(auth="secret")


@pytest.mark.parametrize(("arn", "user"), [(None, "app"), ("arn", "rotated")])
def test_left_out_the_secret_decides(arn, user):
    assert conninfo_to_dict(login_for(auth=None, arn=arn).conninfo())["user"] == user


def test_the_url_decides_when_it_is_told_to():
    assert conninfo_to_dict(login_for(auth="url", arn="arn").conninfo())["user"] == "app"
