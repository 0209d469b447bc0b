"""A stand-in for SQS that functions reach over HTTP, wherever they run."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

from local.http_api import ACCOUNT_ID
from local.queue_file import QueueFile


class QueueServer:
    """One queue; its messages are kept in a file.

    :ivar url: of the queue
    """

    def __init__(self, file: Path, host: str = "127.0.0.1") -> None:
        self._queue = queue = QueueFile(file)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = queue.answer(self.headers["x-amz-target"], body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self.url = f"http://{host}:{self._server.server_port}/{ACCOUNT_ID}/dead-letters"

    def messages(self) -> list[dict[str, Any]]:
        """What was sent, oldest first."""
        return self._queue.messages()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
