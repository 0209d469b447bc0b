"""How the driver is told where the database is and who asks."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from control_plane.credentials import LoginUnreadable
from control_plane.errors import ConfigurationError
from control_plane.postgres.connection import Database
from control_plane.postgres.login import conninfo
from control_plane.settings import DatabaseSettings

URL = "postgresql://app:old@db.internal:5433/noetl?sslmode=verify-full"


def test_what_the_url_leaves_open_has_defaults():
    told = conninfo_to_dict(conninfo(URL))
    assert told["connect_timeout"] == "2"
    assert told["keepalives_idle"] == "30"
    assert (told["host"], told["port"], told["sslmode"]) == ("db.internal", "5433", "verify-full")


def test_what_the_url_says_wins():
    told = conninfo_to_dict(conninfo(URL + "&connect_timeout=9&application_name=mine"))
    assert (told["connect_timeout"], told["application_name"]) == ("9", "mine")


def test_options_are_never_sent():
    # RDS Proxy refuses a connection that brings some.
    assert "options" not in conninfo_to_dict(conninfo(URL))


def test_a_login_takes_the_place_of_the_one_in_the_url():
    secret = {"username": "ro'le", "password": "p@ss w\\rd'"}
    told = conninfo_to_dict(conninfo(URL, secret))
    assert (told["user"], told["password"]) == ("ro'le", "p@ss w\\rd'")


def test_a_token_is_no_login_for_a_database():
    with pytest.raises(LoginUnreadable):
        conninfo(URL, {"token": "t"})


def test_a_malformed_url_is_told_at_once_and_not_repeated():
    settings = DatabaseSettings(database_url="postgresql://u:secret-marker@[::1/x")
    with pytest.raises(ConfigurationError) as caught:
        Database(settings)
    assert str(caught.value) == "DATABASE_URL: is not a PostgreSQL URL"
