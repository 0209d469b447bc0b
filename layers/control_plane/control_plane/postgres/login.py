"""How the database is logged in to: by a token of RDS, a secret, or what the URL says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from control_plane.certificates import AWS
from control_plane.credentials import (
    LoginUnreadable,
    database_token,
    load_signer,
    login_from_secret,
)
from control_plane.errors import ConfigurationError
from control_plane.settings import DatabaseSettings

CONNECT_SECONDS = 2
"""What connecting to one address may take; the driver knows whole seconds, and two at least."""

# What the URL says wins.
_DEFAULTS = {
    "application_name": "noetl-serverless",
    "connect_timeout": str(CONNECT_SECONDS),
    "gssencmode": "disable",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
# Whoever reads a token is let in for a quarter of an hour.
_DEFAULTS_WITH_TOKEN = {"sslmode": "verify-full", "sslrootcert": str(AWS), "port": "5432"}
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


class DatabaseLogin:
    """What the driver needs for a new connection, as ``DATABASE_AUTH`` says.

    A secret is kept until `forget`. A token is signed for each connection, which costs no round
    trip, so none is ever too old.

    :param read_secret: how the login of ``DATABASE_SECRET_ARN`` is read
    :param sign_token: makes a token of host, port and user
    :raises ConfigurationError: ``DATABASE_URL`` is no URL, or none for ``DATABASE_AUTH``
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        read_secret: Callable[[str], Mapping[str, str]] = login_from_secret,
        sign_token: Callable[[str, int, str], str] = database_token,
    ) -> None:
        self._url = settings.database_url
        self._arn = settings.database_secret_arn or ""
        self._auth = settings.database_auth or ("secret" if self._arn else "url")
        self._read_secret = read_secret
        self._sign_token = sign_token
        self._secret: Mapping[str, str] | None = None
        conninfo(self._url)
        if self._auth == "iam":
            _for_token(self._url)
            load_signer()
        if self._auth == "secret" and not self._arn:
            raise ConfigurationError("DATABASE_SECRET_ARN: is needed for DATABASE_AUTH=secret")

    @property
    def may_be_old(self) -> bool:
        """Whether another login may be taken when this one is refused.

        A secret may have been rotated since it was read, and the keys that signed a token may have
        run out on the way.
        """
        return self._auth == "iam" or self._secret is not None

    def forget(self) -> None:
        """Read the secret anew for the next connection."""
        self._secret = None

    def conninfo(self) -> str:
        """Return what the driver takes.

        :raises LoginUnreadable: the secret cannot be read, the token cannot be signed
        """
        if self._auth == "iam":
            given = _for_token(self._url)
            given["password"] = self._sign_token(given["host"], int(given["port"]), given["user"])
            return make_conninfo("", **given)
        if self._auth == "secret" and self._secret is None:
            self._secret = self._read_secret(self._arn)
        return conninfo(self._url, self._secret)


def conninfo(url: str, login: Mapping[str, str] | None = None) -> str:
    """Return what the driver takes: the URL, what it left open, and the login in place of its own.

    :raises ConfigurationError: the URL is none; repeats nothing of it
    :raises LoginUnreadable: the login has no user
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        given = None
    if given is None:
        raise ConfigurationError("DATABASE_URL: is not a PostgreSQL URL")
    if login is not None:
        if "username" not in login:
            raise LoginUnreadable("the secret holds no username")
        given |= {"user": login["username"], "password": login["password"]}
    return make_conninfo("", **{**_DEFAULTS, **given})


def _for_token(url: str) -> dict[str, str]:
    given = {
        **_DEFAULTS_WITH_TOKEN,
        **{name: str(value) for name, value in conninfo_to_dict(conninfo(url)).items()},
    }
    if not given.get("user") or not given.get("host") or "," in given["host"]:
        raise ConfigurationError("DATABASE_URL: DATABASE_AUTH=iam needs a user and one host")
    if given["sslmode"] not in _ENCRYPTED:
        raise ConfigurationError("DATABASE_URL: DATABASE_AUTH=iam needs TLS")
    return given
