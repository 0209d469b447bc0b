"""A TCP proxy whose connections end or fall silent at a word; in a process of its own.

Run as ``python -m bench.cutting HOST PORT``: prints its port, then obeys ``close`` and ``silence``
on standard input, each for the connections that there are; new ones work.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

Cut = Callable[[str], None]


@contextlib.contextmanager
def cuttable(url: str) -> Iterator[tuple[str, Cut]]:
    """Return the URL of a server by way of a proxy, and what to tell the proxy with."""
    parts = urlsplit(url)
    command = [sys.executable, "-m", "bench.cutting", str(parts.hostname), str(parts.port)]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as proxy:
        try:
            words, answers = proxy.stdin, proxy.stdout
            assert words is not None and answers is not None  # noqa: S101, PT018
            login, at, _ = parts.netloc.rpartition("@")
            port = int(answers.readline())

            def cut(word: str) -> None:
                words.write(f"{word}\n")
                words.flush()
                answers.readline()

            yield urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{port}")), cut
        finally:
            proxy.kill()


class _Connection:
    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.writers = writers
        self.is_silent = False

    def close(self) -> None:
        for writer in self.writers:
            writer.close()


async def main(host: str, port: str) -> None:
    """Serve until standard input ends."""
    connections: set[_Connection] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        connection = _Connection(writer, far_writer)
        connections.add(connection)
        await asyncio.gather(
            _pass(reader, far_writer, connection), _pass(far_reader, writer, connection)
        )
        connections.discard(connection)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        for connection in connections:
            connection.is_silent = connection.is_silent or word == "silence"
            if word == "close":
                connection.close()
        await asyncio.sleep(0.01)  # what was closed is told to the other end
        print("done", flush=True)


async def _pass(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, connection: _Connection
) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 20):
            if not connection.is_silent:
                target.write(data)
    if not connection.is_silent:
        connection.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
