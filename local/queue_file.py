"""A stand-in for SQS: the calls by which a message is sent, and a file in place of the queue."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

TARGET = "AmazonSQS."
"""How the header ``x-amz-target`` of a call to SQS begins."""


@dataclass(frozen=True, slots=True)
class QueueFile:
    """A queue of which nobody receives: one JSON object a line, as SQS was given it."""

    file: Path

    def answer(self, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer a call in SQS's JSON protocol.

        :param target: the header ``x-amz-target``, such as ``AmazonSQS.SendMessage``
        :returns: status and body
        """
        request = json.loads(body)
        match target.removeprefix(TARGET):
            case "SendMessage":
                return HTTPStatus.OK, {"MessageId": self._keep_sent(request)}
            case "SendMessageBatch":
                sent = [
                    {"Id": entry["Id"], "MessageId": self._keep_sent(entry)}
                    for entry in request["Entries"]
                ]
                return HTTPStatus.OK, {"Successful": sent, "Failed": []}
        return HTTPStatus.BAD_REQUEST, {
            "__type": "com.amazonaws.sqs#UnsupportedOperation",
            "message": f"{target} is not among what this stand-in knows",
        }

    def messages(self) -> list[dict[str, Any]]:
        """Return what was sent, oldest first: ``{MessageId, MessageBody, MessageAttributes}``."""
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def keep(self, body: str, attributes: Mapping[str, Any] | None = None) -> str:
        """Add a message; return its id."""
        message_id = str(uuid.uuid4())
        message = {
            "MessageId": message_id,
            "MessageBody": body,
            "MessageAttributes": attributes or {},
        }
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(message) + "\n")
        return message_id

    def _keep_sent(self, sent: Mapping[str, Any]) -> str:
        return self.keep(sent["MessageBody"], sent.get("MessageAttributes"))
