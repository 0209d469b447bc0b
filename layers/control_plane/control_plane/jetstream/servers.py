"""Where NATS is and how to log in, as the setting ``NATS_URL`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from control_plane.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, or a token, or nothing."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_secret(cls, secret: Mapping[str, str]) -> Self:
        """Read ``{"username": …, "password": …}`` or ``{"token": …}``.

        :raises KeyError: it is neither
        """
        if "token" in secret:
            return cls(token=secret["token"])
        return cls(secret["username"], secret["password"])


@dataclass(frozen=True, slots=True)
class NatsServer:
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
