"""Batches of messages, as SQS delivers them to the trigger function."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

PATH = "examples/hello_world"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:queue"


def batch(messages: Sequence[str]) -> dict[str, Any]:
    """One message for each id, all of which ask for one playbook."""
    return {"Records": [record(one, {"path": PATH, "payload": {"name": one}}) for one in messages]}


def record(message_id: str, body: Any, system: Any = None, **attributes: str) -> dict[str, Any]:
    """One message; `system` are the queue's own attributes."""
    return {
        "messageId": message_id,
        "body": json.dumps(body),
        "attributes": system or {},
        "messageAttributes": {
            name: {"stringValue": text, "dataType": "String"} for name, text in attributes.items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
    }
