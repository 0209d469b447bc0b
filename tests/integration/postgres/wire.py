"""A proxy in front of PostgreSQL that writes down what the client sends, and may lose a reply."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass
class Wire:
    """What a client has sent since the last `take`: type and body of each message.

    :ivar url: the login, by way of the proxy
    :ivar lose_reply: cut the connection in place of the server's next reply
    :ivar received: bytes of the server's replies since the last `take`
    :ivar hold_request: a message with these bytes stays here, and its connection stands still
    :ivar hold_reply: a message with these bytes passes, but no reply on its connection any more
    :ivar is_held: set when that has come to pass
    """

    url: str = ""
    lose_reply: bool = False
    received: int = 0
    hold_request: bytes | None = None
    hold_reply: bytes | None = None
    is_held: threading.Event = field(default_factory=threading.Event)
    sent: list[tuple[bytes, bytes]] = field(default_factory=list)

    def take(self) -> list[tuple[bytes, bytes]]:
        """Return the messages and forget them."""
        taken, self.sent = self.sent, []
        self.received = 0
        return taken

    def write_down(self, stream: bytearray, is_started: bool) -> bool:
        """Take each whole message off the stream; the first one has no type."""
        while len(stream) >= (header := 5 if is_started else 4):
            size = int.from_bytes(stream[header - 4 : header], "big") + header - 4
            if len(stream) < size:
                break
            if is_started:
                self.sent.append((bytes(stream[:1]), bytes(stream[5:size])))
            del stream[:size]
            is_started = True
        return is_started


@contextmanager
def wiretapped(url: str) -> Iterator[Wire]:
    """Listen between a client and the server of ``url``."""
    given = conninfo_to_dict(url)
    server = (str(given["host"]), int(str(given["port"])))
    wire = Wire()
    sockets: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # Without TLS the first message would be a question for it.
        wire.url = make_conninfo(url, host="127.0.0.1", port=port, sslmode="disable")
        accepting = threading.Thread(target=_accept, args=(listener, server, wire, sockets))
        accepting.start()
        try:
            yield wire
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for one in sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()


def _accept(
    listener: socket.socket, server: tuple[str, int], wire: Wire, sockets: list[socket.socket]
) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        upstream = socket.create_connection(server)
        sockets += [client, upstream]
        for one in (client, upstream):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        is_mute = threading.Event()
        for pump in (_pump_requests, _pump_replies):
            arguments = (client, upstream, wire, is_mute)
            threading.Thread(target=pump, args=arguments, daemon=True).start()


def _pump_requests(
    client: socket.socket, upstream: socket.socket, wire: Wire, is_mute: threading.Event
) -> None:
    stream, is_started = bytearray(), False
    with suppress(OSError):
        while chunk := client.recv(65536):
            stream += chunk
            is_started = wire.write_down(stream, is_started)
            if wire.hold_request and wire.hold_request in chunk:
                wire.is_held.set()
                continue
            if wire.hold_reply and wire.hold_reply in chunk:
                is_mute.set()
            upstream.sendall(chunk)
        upstream.shutdown(socket.SHUT_RDWR)


def _pump_replies(
    client: socket.socket, upstream: socket.socket, wire: Wire, is_mute: threading.Event
) -> None:
    with suppress(OSError):
        while chunk := upstream.recv(65536):
            if is_mute.is_set():
                wire.is_held.set()
                continue
            if wire.lose_reply:
                wire.lose_reply = False
                break
            wire.received += len(chunk)
            client.sendall(chunk)
        client.shutdown(socket.SHUT_RDWR)
