"""What the network does to the clients of a server, whichever it is."""

from __future__ import annotations

from tests.proxies.proxy import Proxy


class Proxied:
    """A server, and the proxy before it. Each fault lasts until the server's own ``mend``."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy

    def refuse(self) -> None:
        self.proxy.refuse()

    def hang(self) -> None:
        """End all connections, and say nothing on the next ones."""
        self.proxy.close_connections()
        self.proxy.is_mute = True

    def fall_silent(self) -> None:
        """Lose all packets of the connections that there are and of those to come."""
        self.proxy.lose_packets()
        self.proxy.is_mute = True
