"""Deliver messages to the trigger function as its queue would: again and again, then no more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from local.cloudformation import load
from local.errors import LocalError
from local.invoke import api_url, get, post, read_event
from local.queue_file import QueueFile
from local.sandbox_process import LARGEST_PAYLOAD
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
    :raises LocalError: no stack runs, or the file holds no message
    """
    records = _records(json.loads(read_event(event)))
    queue = _Queue(api_url(folder), dead_letters_of(folder), most_receives())
    begun = datetime.now(UTC)
    left = [queue.deliver(batch) for batch in _batches(records)]
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
            print(f"delivery {receive}: {len(records)} messages")
            records = self._deliver_once(records, receive)
            if not records:
                return records
        for record in records:
            print(f"given up       {record['messageId']}, now in {self.dead_letters.file}")
            self.dead_letters.keep(record["body"], _as_sent(record["messageAttributes"]))
        return records

    def started_since(self, begun: datetime) -> list[dict[str, Any]]:
        """Return the executions that were started since, oldest first."""
        query = {"started_after": begun.isoformat(), "limit": "100"}
        return list(reversed(get(f"{self.api_url}/api/executions", query).json()))

    def _deliver_once(self, records: Sequence[Record], receive: int) -> Sequence[Record]:
        for record in records:
            record["attributes"]["ApproximateReceiveCount"] = str(receive)
        kept = len(self.dead_letters.messages())
        body = json.dumps({"Records": records})
        answer = post(self.api_url + _INVOKE, body)
        value = answer.json()
        if answer.status_code != 200 or "x-amz-function-error" in answer.headers:
            print(f"function fails {value.get('errorMessage') or value.get('message')}")
            return records
        failed = {item["itemIdentifier"] for item in value["batchItemFailures"]}
        reasons = {
            letter["MessageBody"]: _reason(letter) for letter in self.dead_letters.messages()[kept:]
        }
        for record in records:
            if record["messageId"] in failed:
                print(f"to be repeated {record['messageId']}")
            elif record["body"] in reasons:
                reason = reasons[record["body"]]
                print(f"dead-lettered  {record['messageId']}: {reason}")
                if reason.startswith("Playbook not found"):
                    print("               (how to register one: README.md, Starting an execution)")
            else:
                print(f"done           {record['messageId']}")
        return [record for record in records if record["messageId"] in failed]


def _reason(letter: Mapping[str, Any]) -> str:
    reason = letter["MessageAttributes"].get("noetl-reason")
    return str(reason["StringValue"]) if reason else "no reason given"


def _records(value: Any) -> list[Record]:
    """Return the records of an event of SQS; anything else becomes the body of one.

    :raises LocalError: an event of SQS without records
    """
    given = value.get("Records") if isinstance(value, dict) else None
    if not isinstance(given, list) or not all(map(_is_of_queue, given)):
        return [_record({"body": json.dumps(value, ensure_ascii=False)})]
    if not given:
        raise LocalError("the event holds no message: its Records are empty")
    return [_record(one) for one in given]


def _is_of_queue(record: Any) -> bool:
    return isinstance(record, dict) and record.get("eventSource") == "aws:sqs"


def _record(given: Record) -> Record:
    """Return a whole record, whatever of it is given."""
    return {
        "messageId": str(uuid4()),
        "receiptHandle": "local",
        "body": "",
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": _QUEUE_ARN,
        "awsRegion": "us-east-1",
        **given,
    }


def _batches(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Divide them as Lambda does: ten at most, and no more than it takes at once."""
    batch: list[Record] = []
    room = LARGEST_PAYLOAD
    for record in records:
        size = len(json.dumps(record)) + 100  # what is added around it
        if batch and (len(batch) == _BATCH or size > room):
            yield batch
            batch, room = [], LARGEST_PAYLOAD
        batch.append(record)
        room -= size
    yield batch


def _as_sent(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return attributes in the words of SQS's own API, which begin with capitals."""
    return {
        name: {key[:1].upper() + key[1:]: value for key, value in one.items()}
        for name, one in attributes.items()
    }
