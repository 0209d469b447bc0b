"""A proxy before PostgreSQL that writes down what the client sends."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.proxies.connection import Connection
from tests.proxies.proxy import Proxy


class PostgresProxy(Proxy):
    """Stands before the server of a connection string."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._started: set[Connection] = set()
        given = conninfo_to_dict(server_url)
        super().__init__(str(given["host"]), int(str(given["port"])))

    @property
    def url(self) -> str:
        """The login, by way of the proxy."""
        # Without TLS, or the first message would be a question for it.
        return make_conninfo(self._server_url, host="127.0.0.1", port=self.port, sslmode="disable")

    def take(self) -> list[tuple[bytes, bytes]]:
        """Return type and body of each message since the last time, connection by connection."""
        self.received = 0
        return [message for one in self._all for message in self._messages(one)]

    def _messages(self, connection: Connection) -> Iterator[tuple[bytes, bytes]]:
        """Take each whole message off the stream; the first one has no type, and is left out."""
        stream = connection.sent
        while len(stream) >= (header := 5 if connection in self._started else 4):
            size = int.from_bytes(stream[header - 4 : header], "big") + header - 4
            if len(stream) < size:
                return
            if connection in self._started:
                yield bytes(stream[:1]), bytes(stream[5:size])
            del stream[:size]
            self._started.add(connection)
