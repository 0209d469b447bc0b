"""One connection through the proxy, and the traps that may wait on it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.proxies.proxy import Proxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class At(Enum):
    """What a trap does when the client sends its words."""

    HOLD = auto()
    """They go no further; the connection stays as it is, and nothing passes any more."""
    CUT = auto()
    """They go no further; the connection ends on both sides."""
    CUT_AFTER = auto()
    """They arrive, and the connection ends at once."""
    LOSE_REPLY = auto()
    """They arrive; the reply does not, and the connection ends in its place."""
    HOLD_REPLY = auto()
    """They arrive; the reply goes no further, and the connection stays as it is."""


@dataclass
class Trap:
    """Waits for words of a client.

    :ivar times: how often it springs; None means always
    :ivar sprung: set when the words, or the reply to them, have come
    """

    words: bytes
    at: At
    times: int | None = 1
    sprung: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float = 20) -> None:
        assert self.sprung.wait(seconds), f"nobody sent {self.words!r}"


class Connection:
    """Two streams and a pump in each direction.

    :ivar sent: all that the client has sent
    :ivar is_silent: nothing more passes, either way
    """

    def __init__(self, proxy: Proxy, client: Streams, server: Streams) -> None:
        self.sent = bytearray()
        self.is_silent = False
        self.has_ended = threading.Event()
        self._proxy = proxy
        self._client, self._server = client, server
        self._reply_trap: Trap | None = None
        self._bytes_left = proxy.bytes_until_cut
        proxy.bytes_until_cut = None
        for _, writer in (client, server):
            end: socket.socket = writer.get_extra_info("socket")
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        pumps = [asyncio.ensure_future(self._requests()), asyncio.ensure_future(self._replies())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            with contextlib.suppress(OSError):
                await asyncio.gather(*pumps, return_exceptions=True)
            self.cut()
            self.has_ended.set()

    def fall_silent(self) -> None:
        self.is_silent = True

    def cut(self) -> None:
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    async def _requests(self) -> None:
        while data := await self._client[0].read(1 << 16):
            self.sent += data
            for part in self._proxy.parts(data):
                if not await self._request(part):
                    return

    async def _request(self, data: bytes) -> bool:
        """Pass something on; return whether the connection goes on."""
        trap = self._proxy.trap_for(data)
        if trap is not None and trap.at in {At.HOLD, At.CUT}:
            trap.sprung.set()
            if trap.at is At.CUT:
                return False
            self.is_silent = True
        if self._proxy.delay:
            await asyncio.sleep(self._proxy.delay)
        if self.is_silent:
            return True
        if trap is not None:
            self._reply_trap = trap
        self._server[1].write(data)
        if trap is None or trap.at is not At.CUT_AFTER:
            return True
        await self._server[1].drain()
        trap.sprung.set()
        # Politely, so that what was sent arrives.
        self._server[1].write_eof()
        await asyncio.sleep(0.05)
        return False

    async def _replies(self) -> None:
        while data := await self._server[0].read(1 << 16):
            trap = self._reply_trap
            if trap is not None and trap.at in {At.LOSE_REPLY, At.HOLD_REPLY}:
                self._reply_trap = None
                trap.sprung.set()
                if trap.at is At.LOSE_REPLY:
                    return
                self.is_silent = True
            if self._proxy.delay:
                await asyncio.sleep(self._proxy.delay)
            if self.is_silent:
                continue
            if self._bytes_left is not None:
                data = data[: self._bytes_left]
                self._bytes_left -= len(data)
            self._proxy.received += len(data)
            self._client[1].write(data)
            if self._bytes_left == 0:
                await self._client[1].drain()
                return
