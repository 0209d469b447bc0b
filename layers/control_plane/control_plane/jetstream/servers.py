"""Where NATS is and how to log in, as the setting ``NATS_URL`` has it."""

from __future__ import annotations

import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self
from urllib.parse import SplitResult, unquote, urlsplit

from control_plane.credentials import LoginUnreadable
from control_plane.errors import ConfigurationError


@dataclass(repr=False)
class Login:
    """A user and a password, a token, a credentials file's text, an NKey's seed, or nothing.

    No representation shows any of it.

    :ivar authority: DER of the certificate authority that alone is trusted, if there is one
    """

    user: str | None = None
    password: str | None = None
    token: str | None = None
    creds: str | None = None
    nkey: str | None = None
    authority: bytes | None = None

    @classmethod
    def from_secret(cls, secret: Mapping[str, str]) -> Self:
        """Read what `control_plane.credentials.login_from_secret` returns.

        :raises LoginUnreadable: ``ca`` is no base64
        """
        try:
            authority = b64decode(secret["ca"], validate=True) if "ca" in secret else None
        except ValueError:
            raise LoginUnreadable("the secret's ca is not base64") from None
        return cls(
            secret.get("username"),
            secret.get("password"),
            secret.get("token"),
            secret.get("creds"),
            secret.get("nkey"),
            authority,
        )

    def tls(self) -> ssl.SSLContext:
        """Trust the login's authority alone, or those of the system where it names none.

        :raises LoginUnreadable: the authority is no certificate
        """
        try:
            return ssl.create_default_context(cadata=self.authority)
        except ssl.SSLError:
            raise LoginUnreadable("the secret's ca is no certificate in DER") from None


class NatsServer(NamedTuple):
    """One server of ``NATS_URL``.

    :ivar address: its URL without the login
    :ivar tls: whether anything but TLS is refused
    """

    address: str
    tls: bool
    login: Login

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read ``nats://host``, ``tls://user:password@host:port`` or ``nats://token@host``.

        :raises ConfigurationError: says what is wrong and repeats nothing of the URL
        """
        try:
            parts = urlsplit(url if "://" in url else f"nats://{url}")
            port = parts.port or 4222
        except ValueError:
            raise ConfigurationError("NATS_URL: is not a URL") from None
        if parts.scheme not in {"nats", "tls"}:
            raise ConfigurationError("NATS_URL: must start with nats:// or tls://")
        if not parts.hostname:
            raise ConfigurationError("NATS_URL: names no host")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return cls(f"{parts.scheme}://{host}:{port}", parts.scheme == "tls", _login(parts))


def servers_from_url(urls: str | None) -> list[NatsServer]:
    """Read one or several URLs with commas between them; none of them is an empty list.

    :raises ConfigurationError: says what is wrong and repeats nothing of the URL
    """
    return [NatsServer.from_url(url.strip()) for url in (urls or "").split(",") if url.strip()]


def _login(parts: SplitResult) -> Login:
    user, password = unquote(parts.username or ""), parts.password
    if password is None:
        return Login(token=user or None)
    return Login(user, unquote(password))
