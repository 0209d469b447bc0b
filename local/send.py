"""Deliver messages to the trigger function as its queue would: again and again, then no more."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from local.cloudformation import load
from local.invoke import api_url, post, read_event
from local.queue_file import QueueFile
from local.stack import ROOT, dead_letters_of

_INVOKE = "/2015-03-31/functions/TriggerFunction/invocations"
_QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:TriggerQueue"
_BATCH = 10
# Where SQS hides a message for minutes before it delivers it again.
_PAUSE_SECONDS = 1.0

Record = dict[str, Any]


def send(event: Path | None, folder: Path) -> int:
    """Deliver the messages of an event of SQS, or anything else as the body of one message.

    :returns: 0 when all of them are done, else 1
    :raises LocalError: no stack runs, or the file holds no JSON
    """
    queue = _Queue(api_url(folder), dead_letters_of(folder), most_receives())
    records = _records(json.loads(read_event(event)))
    begun = datetime.now(UTC)
    left = [queue.deliver(records[at : at + _BATCH]) for at in range(0, len(records), _BATCH)]
    for execution in queue.started_since(begun):
        print(f"started        execution {execution['execution_id']} of {execution['path']}")
    return 1 if any(left) else 0


def most_receives() -> int:
    """Return how often the queue delivers a message, as the template says."""
    queue = load(ROOT / "template.yaml")["Resources"]["TriggerQueue"]["Properties"]
    return int(queue["RedrivePolicy"]["maxReceiveCount"])


@dataclass(frozen=True, slots=True)
class _Queue:
    api_url: str
    dead_letters: QueueFile
    most_receives: int

    def deliver(self, records: Sequence[Record]) -> Sequence[Record]:
        """Deliver the messages until they are done; return those that were given up."""
        for receive in range(1, self.most_receives + 1):
            if receive > 1:
                time.sleep(_PAUSE_SECONDS)
            print(f"delivery {receive} of {len(records)} messages")
            records = self._deliver_once(records, receive)
            if not records:
                return records
        for record in records:
            print(f"given up       {record['messageId']}, now in {self.dead_letters.file}")
            self.dead_letters.keep(record["body"])
        return records

    def started_since(self, begun: datetime) -> list[dict[str, Any]]:
        """Return the executions that were started since, oldest first."""
        query = {"started_after": begun.isoformat(), "limit": "100"}
        answer = httpx.get(f"{self.api_url}/api/executions", params=query, trust_env=False)
        return list(reversed(answer.raise_for_status().json()))

    def _deliver_once(self, records: Sequence[Record], receive: int) -> Sequence[Record]:
        for record in records:
            record["attributes"]["ApproximateReceiveCount"] = str(receive)
        kept = len(self.dead_letters.messages())
        body = json.dumps({"Records": records})
        answer = post(self.api_url + _INVOKE, body)
        value = answer.json()
        if answer.status_code != 200 or "x-amz-function-error" in answer.headers:
            print(f"function fails {value.get('errorType')}: {value.get('errorMessage', value)}")
            return records
        failed = {item["itemIdentifier"] for item in value["batchItemFailures"]}
        reasons = {
            letter["MessageBody"]: _reason(letter) for letter in self.dead_letters.messages()[kept:]
        }
        for record in records:
            if record["messageId"] in failed:
                print(f"to be repeated {record['messageId']}")
            elif record["body"] in reasons:
                print(f"dead-lettered  {record['messageId']}: {reasons[record['body']]}")
            else:
                print(f"done           {record['messageId']}")
        return [record for record in records if record["messageId"] in failed]


def _reason(letter: Mapping[str, Any]) -> str:
    reason = letter["MessageAttributes"].get("noetl-reason")
    return str(reason["StringValue"]) if reason else "no reason given"


def _records(value: Any) -> list[Record]:
    """Return the records of an event of SQS; anything else becomes the body of one."""
    records = value.get("Records") if isinstance(value, dict) else None
    if isinstance(records, list) and all(one.get("eventSource") == "aws:sqs" for one in records):
        return records
    return [
        {
            "messageId": str(uuid4()),
            "receiptHandle": "local",
            "body": json.dumps(value, ensure_ascii=False),
            "attributes": {},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": _QUEUE_ARN,
            "awsRegion": "us-east-1",
        }
    ]
