"""A proxy before PostgreSQL."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.proxies.proxy import Proxy


class PostgresProxy(Proxy):
    """Stands before the server of a connection string."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        given = conninfo_to_dict(server_url)
        super().__init__(str(given["host"]), int(str(given["port"])))

    @property
    def url(self) -> str:
        """The login, by way of the proxy."""
        # Without TLS, or the first message would be a question for it.
        return make_conninfo(self._server_url, host="127.0.0.1", port=self.port, sslmode="disable")
