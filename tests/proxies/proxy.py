"""A TCP proxy that can do to a connection whatever a network does."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from tests.proxies.connection import At, Connection, Trap

__all__ = ["At", "Proxy", "Trap"]

Result = TypeVar("Result")


class Proxy:
    """Stands between clients and one server, in a thread of its own.

    :ivar delay: seconds that whatever is sent takes longer, each way
    :ivar each: words at which what a client sends at once is taken apart, and treated part by part
    :ivar is_mute: new connections are taken, and nothing is ever said on them
    :ivar bytes_until_cut: the next connection ends after so many bytes of the server's
    :ivar connections: how many there have been
    :ivar received: bytes that the server has sent
    """

    def __init__(self, host: str, port: int) -> None:
        self.delay = 0.0
        self.each: bytes | None = None
        self.is_mute = False
        self.bytes_until_cut: int | None = None
        self.connections = 0
        self.received = 0
        self.port = 0
        self._server = (host, port)
        self._traps: list[Trap] = []
        self._all: list[Connection] = []
        self._open: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._listen())

    @property
    def seen(self) -> bytes:
        """What clients have sent since the last `forget`, connection by connection."""
        return b"".join(one.sent for one in self._all)

    def forget(self) -> None:
        """Forget what was sent so far."""
        self.received = 0
        for one in self._all:
            one.sent.clear()

    def trap(self, words: bytes, at: At, times: int | None = 1) -> Trap:
        """Set a trap; several of them spring in the order in which they were set."""
        trap = Trap(words, at, times)
        self._traps.append(trap)
        return trap

    def trap_for(self, data: bytes) -> Trap | None:
        """Return the trap for what a client says, if there is one, which springs now."""
        found = next((trap for trap in self._traps if trap.words in data), None)
        if found is not None and found.times is not None:
            found.times -= 1
            if not found.times:
                self._traps.remove(found)
        return found

    def disarm(self) -> None:
        """Take away the traps that are left."""
        self._traps.clear()

    def parts(self, data: bytes) -> list[bytes]:
        """Take apart what a client says."""
        if self.each is None:
            return [data]
        return [part for part in re.split(b"(?=" + re.escape(self.each) + b")", data) if part]

    def refuse(self) -> None:
        """From now on connections are refused, and those that there are end."""
        self._run(self._stop_listening())
        self.close_connections()

    def close_connections(self) -> None:
        """End all connections, as a server does that closes what is idle."""
        self._run(self._for_each(Connection.cut))

    def lose_packets(self) -> None:
        """Pass on nothing more on the connections that there are; new ones work."""
        self._run(self._for_each(Connection.fall_silent))

    def heal(self) -> None:
        """Be as good as not there; connections that are lost stay lost."""
        self.delay, self.is_mute, self.bytes_until_cut = 0.0, False, None
        self._traps.clear()
        self._run(self._listen())

    def ends(self, connection: int) -> bool:
        """Wait a while for the end of a client's connection; the first one is number 1."""
        return self._all[connection - 1].has_ended.wait(10)

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _for_each(self, work: Callable[[Connection], None]) -> None:
        for one in self._open:
            work(one)

    async def _listen(self) -> None:
        if self._listener is None:
            listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = listener.sockets[0].getsockname()[1]
            self._listener = listener

    async def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _end(self) -> None:
        await self._stop_listening()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # in which transports that were aborted close their sockets

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._pass_on(reader, writer)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_mute:
            while await reader.read(1 << 16):
                pass
            return
        server = await asyncio.open_connection(*self._server)
        try:
            connection = Connection(self, (reader, writer), server)
            self._all.append(connection)
            self._open.add(connection)
            try:
                await connection.run()
            finally:
                self._open.discard(connection)
        finally:
            server[1].transport.abort()
