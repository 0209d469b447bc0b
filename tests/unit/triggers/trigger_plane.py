"""The trigger function on fakes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from control_plane.triggers.dead_letters import DeadLetter
from control_plane.triggers.handler import TriggerHandler
from tests.unit.control_plane import PATH, ControlPlane

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:noetl-serverless-trigger"


class FakeDeadLetterQueue:
    """Keeps copies of messages.

    :ivar problem: set to a reason, nothing can be kept for it
    """

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.problem: str | None = None

    def send(self, letters: Sequence[DeadLetter]) -> list[str | None]:
        if self.problem is None:
            self.letters.extend(letters)
        return [self.problem] * len(letters)


class TriggerPlane(ControlPlane):
    """The control plane in memory, with a queue in front of it."""

    def __init__(self, default_path: str | None = PATH) -> None:
        super().__init__()
        self.dead_letters = FakeDeadLetterQueue()
        self.handler = TriggerHandler(self.starter, self.dead_letters, default_path)

    def serve(self, event: Any, request_id: str = "request-1") -> Any:
        return self.handler.serve(event, request_id)

    def deliver(self, *records: dict[str, Any]) -> list[str]:
        """Deliver messages; returns the ids of those that are to be delivered again."""
        answer = self.serve({"Records": list(records)})
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def message(message_id: str, body: Any = None, queue: str = QUEUE, **system: str) -> dict[str, Any]:
    """A record of an SQS event; without a body it asks for the playbook that is there."""
    body = {"path": PATH} if body is None else body
    return {
        "messageId": message_id,
        "receiptHandle": "handle",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1", **system},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
    }


def in_group(message_id: str, group: str, body: Any = None) -> dict[str, Any]:
    """A record of a FIFO queue."""
    return message(message_id, body, QUEUE + ".fifo", MessageGroupId=group)
