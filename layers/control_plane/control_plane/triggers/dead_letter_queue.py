"""The dead-letter queue on SQS: `control_plane.triggers.dead_letters.DeadLetterQueue`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from control_plane import invocation
from control_plane.triggers.dead_letters import MOST_BYTES, DeadLetter

MOST_LETTERS = 10
"""Messages that SQS takes at once; of `MOST_BYTES` together."""
LONGEST_SEND_SECONDS = 8.0
"""Two tries of a second to connect and two to read, with boto3's own start and pause."""


class SqsDeadLetterQueue:
    """Sends copies of messages to the queue of a URL; without one, none can be kept.

    :param url: ``https://sqs.region.amazonaws.com/account/name``, whose host is the one asked.
        `sam local` has but a name here, and that is no failure as long as nothing is to be sent.
    """

    def __init__(self, url: str | None) -> None:
        host = urlsplit(url or "")
        self._url = url
        self._endpoint = f"{host.scheme}://{host.netloc}" if host.netloc else None
        self._client: Any = None

    def send(self, letters: Sequence[DeadLetter]) -> list[str | None]:
        """Send all of them; tell for each why it could not be sent.

        Not tried any more after SQS was not reached, nor when the invocation would end in between:
        what has started is then told, and the copies are for its next delivery.
        """
        if self._endpoint is None:
            return ["DEAD_LETTER_QUEUE_URL is no URL"] * len(letters)
        problems: dict[int, str] = {}
        for places in _groups(letters):
            if invocation.seconds_left() < LONGEST_SEND_SECONDS:
                problems |= dict.fromkeys(range(places[0], len(letters)), "no time left")
                break
            try:
                problems |= self._send({place: letters[place] for place in places})
            except Exception as error:  # botocore's are made at run time
                problems |= dict.fromkeys(range(places[0], len(letters)), _reason(error))
                break
        return [problems.get(place) for place in range(len(letters))]

    def _send(self, letters: dict[int, DeadLetter]) -> dict[int, str]:
        entries = [self._entry(place, letter) for place, letter in letters.items()]
        answer = self._connected().send_message_batch(QueueUrl=self._url, Entries=entries)
        return {int(one["Id"]): str(one["Code"]) for one in answer.get("Failed", ())}

    def _entry(self, place: int, letter: DeadLetter) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "Id": str(place),
            "MessageBody": letter.body,
            "MessageAttributes": {
                name: _attribute(given) for name, given in letter.attributes.items()
            },
        }
        if self._url and self._url.endswith(".fifo"):
            entry["MessageGroupId"] = letter.group or "none"
            entry["MessageDeduplicationId"] = hashlib.sha256(letter.id.encode()).hexdigest()
        return entry

    def _connected(self) -> Any:
        if self._client is None:
            # Late, for it is slow, and most sandboxes need it never. Lambda's runtime brings it.
            config = import_module("botocore.config").Config(
                connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2}
            )
            self._client = import_module("boto3").client(
                "sqs", endpoint_url=self._endpoint, config=config
            )
        return self._client


def _groups(letters: Sequence[DeadLetter]) -> Iterator[list[int]]:
    """Divide them into what SQS takes at once; yields their places."""
    group: list[int] = []
    room = MOST_BYTES
    for place, letter in enumerate(letters):
        size = letter.size
        if group and (size > room or len(group) == MOST_LETTERS):
            yield group
            group, room = [], MOST_BYTES
        group.append(place)
        room -= size
    yield group


def _attribute(given: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {"DataType": given["dataType"]}
    if given.get("stringValue"):
        value["StringValue"] = given["stringValue"]
    else:
        value["BinaryValue"] = base64.b64decode(given["binaryValue"])
    return value


def _reason(error: Exception) -> str:
    # SQS's own word, where it has answered; botocore's timeouts have a response too, which is None.
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
