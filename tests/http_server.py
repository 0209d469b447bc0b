"""A server of HTTP for as long as a test needs one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple


class Handler(BaseHTTPRequestHandler):
    """Base of handlers that say nothing on the terminal."""

    def read(self) -> bytes:
        """Return the request's body."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: type[Handler], host: str = "127.0.0.1") -> Iterator[str]:
    """Serve at a free port; yields the URL, without a path."""
    with ThreadingHTTPServer((host, 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class StackAnswer(NamedTuple):
    """What a custom resource told CloudFormation."""

    content_type: str
    body: dict[str, Any]


@contextmanager
def answers_of_custom_resources(
    host: str = "127.0.0.1",
) -> Iterator[tuple[str, list[StackAnswer]]]:
    """Stand in for S3, where stacks have answers put; yields such a URL, and what came."""
    answers: list[StackAnswer] = []

    class Put(Handler):
        def do_PUT(self) -> None:
            answers.append(StackAnswer(self.headers["Content-Type"], json.loads(self.read())))
            self.send_response(200)
            self.end_headers()

    with served(Put, host) as url:
        yield f"{url}/answer", answers
