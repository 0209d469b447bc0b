"""A TCP proxy that holds back what the server says, as a network would; in a process of its own.

Run as ``python -m bench.delay HOST PORT SECONDS``: prints its port, and serves until it is killed.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit


@contextlib.contextmanager
def delayed(url: str, seconds: float) -> Iterator[str]:
    """Return the URL of a server by way of a proxy that adds ``seconds`` to each round trip."""
    parts = urlsplit(url)
    command = [sys.executable, "-m", "bench.delay", parts.hostname, parts.port, seconds]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE) as proxy:  # noqa: S603
        try:
            assert proxy.stdout is not None  # noqa: S101
            port = int(proxy.stdout.readline())
            login, at, _ = parts.netloc.rpartition("@")
            yield urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{port}"))
        finally:
            proxy.kill()


def main(host: str, port: str, seconds: str) -> None:
    """Serve."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((host, int(port)))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for ends in ((client, server, 0.0), (server, client, float(seconds))):
                threading.Thread(target=_pass, args=ends, daemon=True).start()


def _pass(source: socket.socket, target: socket.socket, seconds: float) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 20):
            if seconds:
                time.sleep(seconds)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(*sys.argv[1:])
