"""A proxy before NATS."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from tests.proxies.proxy import Proxy


class NatsProxy(Proxy):
    """Stands before the server of a URL."""

    def __init__(self, server_url: str) -> None:
        self._server_url = urlsplit(server_url)
        super().__init__(str(self._server_url.hostname), self._server_url.port or 4222)

    @property
    def url(self) -> str:
        """The login, by way of the proxy."""
        login, at, _ = self._server_url.netloc.rpartition("@")
        return urlunsplit(self._server_url._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))
