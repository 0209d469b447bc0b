"""A stand-in for SQS that functions reach over HTTP, wherever they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from local.http_api import ACCOUNT_ID
from local.queue_file import QueueFile
from tests.http_server import Handler, served


class QueueServer:
    """One queue; its messages are kept in a file.

    :ivar url: of the queue
    """

    def __init__(self, file: Path, host: str = "127.0.0.1") -> None:
        self._queue = queue = QueueFile(file)

        class Sqs(Handler):
            def do_POST(self) -> None:  # noqa: N802
                status, answer = queue.answer(self.headers["x-amz-target"], self.read())
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._serving = served(Sqs, host)

    def messages(self) -> list[dict[str, Any]]:
        """What was sent, oldest first."""
        return self._queue.messages()

    def __enter__(self) -> Self:
        self.url = f"{self._serving.__enter__()}/{ACCOUNT_ID}/dead-letters"
        return self

    def __exit__(self, *error: Any) -> None:
        self._serving.__exit__(*error)
