"""Sending to SQS, which moto stands in for; it refuses what SQS would refuse."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError, ReadTimeoutError
from moto import mock_aws

from control_plane import invocation
from control_plane.errors import PlaybookNotFound
from control_plane.limits import Limits
from control_plane.triggers.dead_letter_queue import LONGEST_SEND_SECONDS, SqsDeadLetterQueue
from control_plane.triggers.dead_letters import dead_letter
from control_plane.triggers.messages import MessageReader
from tests.unit.control_plane import event
from tests.unit.triggers.trigger_plane import in_group, message


@pytest.fixture(autouse=True)
def _aws(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


@pytest.fixture
def sqs():
    return boto3.client("sqs")


@pytest.fixture
def url(sqs):
    return sqs.create_queue(QueueName="dead-letters")["QueueUrl"]


def letters_of(*records):
    reader = MessageReader(Limits())
    return [dead_letter(reader.message(one), PlaybookNotFound("none")) for one in records]


def received(sqs, url):
    found = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
    ).get("Messages"):
        found += messages
    return found


def test_a_copy_arrives_with_its_attributes(sqs, url):
    record = event("sqs_with_attributes")["Records"][0]
    record["messageAttributes"]["logo"] = {"dataType": "Binary", "binaryValue": "aGVsbG8="}
    record["messageAttributes"]["count"] = {"dataType": "Number.int", "stringValue": "5"}
    assert SqsDeadLetterQueue(url).send(letters_of(record)) == [None]
    (letter,) = received(sqs, url)
    assert letter["Body"] == record["body"]
    given = letter["MessageAttributes"]
    assert given["logo"] == {"DataType": "Binary", "BinaryValue": b"hello"}
    assert given["count"] == {"DataType": "Number.int", "StringValue": "5"}
    assert given["noetl-idempotency-key"]["StringValue"] == "order-42"
    assert given["noetl-reason"]["StringValue"] == "Playbook not found: none"


def test_more_letters_than_sqs_takes_at_once_all_arrive(sqs, url):
    letters = letters_of(*(message(f"m{n}") for n in range(23)))
    assert SqsDeadLetterQueue(url).send(letters) == [None] * 23
    assert len(received(sqs, url)) == 23


def test_large_letters_are_sent_one_by_one(sqs, url):
    bodies = [json.dumps({"path": "x" * size}) for size in (700_000, 700_000, 10, 1024 * 1024 - 12)]
    letters = letters_of(*(message(f"m{n}", body) for n, body in enumerate(bodies)))
    assert SqsDeadLetterQueue(url).send(letters) == [None] * 4
    assert sorted(len(letter["Body"]) for letter in received(sqs, url)) == sorted(map(len, bodies))


@pytest.mark.parametrize("path", ["emoji 🔑", "a\x01b", "x" * 5000])
def test_whatever_the_reason_says_arrives(sqs, url, path):
    reader = MessageReader(Limits())
    letter = dead_letter(reader.message(message("m1")), PlaybookNotFound(path))
    assert SqsDeadLetterQueue(url).send([letter]) == [None]
    assert len(received(sqs, url)) == 1


def test_a_fifo_queue_keeps_groups_and_takes_a_letter_once(sqs):
    attributes = {"FifoQueue": "true"}
    url = sqs.create_queue(QueueName="dead.fifo", Attributes=attributes)["QueueUrl"]
    queue = SqsDeadLetterQueue(url)
    for _ in range(2):
        assert queue.send(letters_of(in_group("a1", "A"), message("m1"))) == [None, None]
    groups = [letter["Attributes"]["MessageGroupId"] for letter in received(sqs, url)]
    assert sorted(groups) == ["A", "none"]


def test_a_queue_that_does_not_exist_is_told_for_each_letter(url):
    queue = SqsDeadLetterQueue(url + "-gone")
    problems = queue.send(letters_of(*(message(f"m{n}") for n in range(12))))
    assert len(problems) == 12
    assert all("NonExistentQueue" in problem for problem in problems)


@pytest.mark.parametrize("url", [None, "TriggerDeadLetterQueue"])
def test_without_the_url_of_a_queue_no_letter_is_kept(url):
    problems = SqsDeadLetterQueue(url).send(letters_of(message("m1"), message("m2")))
    assert problems == ["DEAD_LETTER_QUEUE_URL is no URL"] * 2


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ReadTimeoutError(endpoint_url="https://sqs.eu-central-1.amazonaws.com"),
        ConnectTimeoutError(endpoint_url="https://sqs.eu-central-1.amazonaws.com"),
        NoCredentialsError(),
    ],
)
def test_after_sqs_was_not_reached_no_more_is_tried(monkeypatch, error):
    queue = SqsDeadLetterQueue("https://sqs.eu-central-1.amazonaws.com/123456789012/q")
    tries = []

    class Unreachable:
        def send_message_batch(self, **_):
            tries.append(1)
            raise error

    monkeypatch.setattr(queue, "_client", Unreachable())
    problems = queue.send(letters_of(*(message(f"m{n}") for n in range(25))))
    assert problems == [type(error).__name__] * 25
    assert len(tries) == 1


def test_without_time_to_send_it_a_letter_is_left_for_the_next_delivery(sqs, url):
    letters = letters_of(message("m1"))
    with invocation.lasting(5):
        assert SqsDeadLetterQueue(url).send(letters) == ["no time left"]
    assert received(sqs, url) == []
    with invocation.lasting(60):
        assert SqsDeadLetterQueue(url).send(letters) == [None]


def test_the_longest_send_fits_into_the_time_that_is_asked_for(url):
    queue = SqsDeadLetterQueue(url)
    assert queue.send(letters_of(message("m1"))) == [None]
    config = queue._client.meta.config
    tries = config.retries["total_max_attempts"]
    assert tries * (config.connect_timeout + config.read_timeout) + 1 < LONGEST_SEND_SECONDS


def test_a_letter_that_sqs_refuses_fails_alone(monkeypatch):
    queue = SqsDeadLetterQueue("https://sqs.eu-central-1.amazonaws.com/123456789012/q")

    class Refusing:
        def send_message_batch(self, Entries, **_):  # noqa: N803 - boto3's own name
            return {"Failed": [{"Id": Entries[1]["Id"], "Code": "InvalidMessageContents"}]}

    monkeypatch.setattr(queue, "_client", Refusing())
    problems = queue.send(letters_of(message("m1"), message("m2"), message("m3")))
    assert problems == [None, "InvalidMessageContents", None]
