"""A TCP proxy that loses what it should not."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Stands between a client and a server, in a thread of its own.

    :ivar url: the server's URL through the proxy
    :ivar seen: everything that clients have sent
    :ivar connections: how many clients have connected so far
    :ivar cut_at: a connection ends when its client sends these bytes, which go no further
    :ivar hush_at: when a client sends these bytes, they arrive, but nothing comes back any more
    :ivar hushes: how many connections to treat so
    :ivar pace: seconds that go by before each message of a client passes
    """

    def __init__(self, server_url: str) -> None:
        self.seen = b""
        self.connections = 0
        self.cut_at: bytes | None = None
        self.hush_at = b""
        self.hushes = 0
        self.pace = 0.0
        self._server_url = urlsplit(server_url)
        self._silent: set[int] = set()
        self._ends: list[threading.Event] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    @property
    def url(self) -> str:
        login, at, _ = self._server_url.netloc.rpartition("@")
        return urlunsplit(self._server_url._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))

    def lose_packets(self) -> None:
        """From now on nothing passes on the connections that there are; new ones work."""
        self._silent |= set(range(1, self.connections + 1))

    def ends(self, connection: int) -> bool:
        """Wait a while for the end of a client's connection; the first one is number 1."""
        return self._ends[connection - 1].wait(10)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._ends.append(threading.Event())
        server_reader, server_writer = await asyncio.open_connection(
            self._server_url.hostname, self._server_url.port
        )
        back = asyncio.create_task(self._pass_back(number, server_reader, writer))
        try:
            while data := await reader.read(65536):
                self.seen += data
                if self.cut_at and self.cut_at in data:
                    self.cut_at = None
                    break
                if self.hushes and self.hush_at in data:
                    self.hushes -= 1
                    back.cancel()
                if number not in self._silent:
                    await self._pass_on(data, server_writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            back.cancel()
            for end in (writer, server_writer):
                end.transport.abort()
            self._ends[number - 1].set()
            await asyncio.sleep(0)

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        for message in re.split(rb"(?=HPUB )", data) if self.pace else [data]:
            await asyncio.sleep(self.pace)
            writer.write(message)

    async def _pass_back(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if number not in self._silent:
                writer.write(data)
        writer.close()
