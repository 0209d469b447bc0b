"""What a NATS server does to its clients, beside what the network does."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.network_faults import Proxied
from tests.fixtures_nats import Broker, StoredMessage
from tests.proxies.proxy import At, Proxy

PUBLISH = b"HPUB"


class Nats(Proxied):
    """A server with at most one stream, and the proxy before it.

    :ivar lost_message_ids: of what was in streams that were deleted
    """

    def __init__(self, broker: Broker, proxy: Proxy) -> None:
        super().__init__(proxy)
        self.lost_message_ids: list[str] = []
        self._broker = broker
        self._broker.clear()
        self._broker.add_stream()

    def messages(self) -> list[StoredMessage]:
        return self._broker.messages() if self._broker.stream_names() else []

    def message_ids(self) -> list[str]:
        return [message.headers["Nats-Msg-Id"] for message in self.messages()]

    # Each of these, and of those of the network, lasts until `mend`.

    def lose_stream(self) -> None:
        """Delete the stream with its messages, of which we remember that they have been there."""
        self.lost_message_ids += self.message_ids()
        self._broker.clear()

    def fill_stream(self) -> None:
        """Have a stream that takes one message more and no other."""
        self.lose_stream()
        self._broker.add_stream(max_msgs=1, discard="new")

    def cut_publishing(self) -> None:
        """End both connections that a start may try, when it publishes."""
        for _ in range(2):
            self.proxy.trap(PUBLISH, At.CUT)

    def cut_greeting(self) -> None:
        """End all connections, and the next one in the middle of the server's greeting."""
        self.proxy.close_connections()
        self.proxy.bytes_until_cut = 20

    def mend(self) -> None:
        """Undo all of it; what was in a stream stays lost."""
        self.proxy.heal()
        names = self._broker.stream_names()
        if names and self._broker.stream_config()["max_msgs"] > 0:
            self.lose_stream()
            names = []
        if not names:
            self._broker.add_stream()


Fault = Callable[[Nats], None]

FAULTS: tuple[Fault, ...] = (
    Nats.refuse,
    Nats.hang,
    Nats.fall_silent,
    Nats.lose_stream,
    Nats.fill_stream,
    Nats.cut_publishing,
    Nats.cut_greeting,
)
