"""Unwrapping: which events are in what is delivered, and what each is known by."""

from __future__ import annotations

import functools
import json

import pytest

from control_plane.errors import InvalidRequest, LimitExceeded, UnstorableValue
from control_plane.limits import Limits
from control_plane.triggers.events import MOST_EVENTS, Event, Identity, identity_of, unwrap
from tests.unit.control_plane import event as sample

OUTER = Identity("sqs", "arn:aws:sqs:eu-central-1:123456789012:queue", "message-1")
TOPIC = "arn:aws:sns:eu-central-1:123456789012:orders"
BUCKET = "invoices-example"


def unwrapped(value, **attributes):
    return unwrap(Event(value, OUTER, attributes), Limits())


def body(name, place=0):
    """The body of a record of a sample batch."""
    return json.loads(sample(name)["Records"][place]["body"])


def identity(value):
    (one,) = unwrapped(value)
    return one.identity.source, one.identity.principal, one.identity.key


SAMPLES = {
    "a request": (lambda: body("sqs_batch"), ("sqs", OUTER.principal, "message-1")),
    "any object": (lambda: {"a": 1}, ("sqs", OUTER.principal, "message-1")),
    "a custom event": (
        lambda: sample("eventbridge_custom"),
        (
            "eventbridge",
            "123456789012/com.example.orders",
            "7bf73129-1428-4cd3-a780-95db273d1602",
        ),
    ),
    "a rule's schedule": (
        lambda: sample("eventbridge_schedule"),
        ("eventbridge", "123456789012/aws.events", "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa"),
    ),
    "an object on the bus": (
        lambda: sample("eventbridge_s3_object_created"),
        (
            "s3",
            BUCKET,
            "incoming/Rechnung 2026 🧾.pdf:IYV3p45BT0ac8hjHg1houSdS1a.Mro8e:00617F08299329D189",
        ),
    ),
    "a notification of S3": (
        lambda: sample("s3_notification"),
        (
            "s3",
            BUCKET,
            "incoming/Rechnung 2026 🧾.pdf:096fKKXTRTtl3on89fVO.nfljtsv6qko:00617F08299329D192",
        ),
    ),
    "a request by SNS": (
        lambda: sample("sns"),
        ("sns", TOPIC, sample("sns")["Records"][0]["Sns"]["MessageId"]),
    ),
    "a text by SNS": (
        lambda: body("sqs_sns", 1),
        ("sns", TOPIC, body("sqs_sns", 1)["MessageId"]),
    ),
    "S3 in SNS": (
        lambda: sample("sns_s3"),
        ("s3", BUCKET, "incoming/sns 1.pdf::00617F08299329D190"),
    ),
    "S3 in SNS in SQS": (
        lambda: body("sqs_sns_s3"),
        ("s3", BUCKET, "incoming/sns 2.pdf::00617F08299329D191"),
    ),
    "Scheduler's own event": (
        lambda: {
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": "123456789012",
            "id": "changes with each delivery",
            "time": "2026-10-28T02:00:00Z",
            "resources": ["arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly"],
            "detail": "{}",
        },
        (
            "scheduler",
            "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly",
            "2026-10-28T02:00:00Z",
        ),
    ),
    "what Scheduler could not send": (
        lambda: {
            "MessageBody": json.dumps(sample("eventbridge_custom")),
            "QueueUrl": "https://sqs.eu-central-1.amazonaws.com/123456789012/queue",
        },
        (
            "eventbridge",
            "123456789012/com.example.orders",
            "7bf73129-1428-4cd3-a780-95db273d1602",
        ),
    ),
    "ten messages of SNS inside each other": (
        lambda: functools.reduce(
            lambda inner, number: (
                body("sqs_sns") | {"MessageId": str(number), "Message": json.dumps(inner)}
            ),
            range(10),
            sample("s3_notification"),
        ),
        (
            "s3",
            BUCKET,
            "incoming/Rechnung 2026 🧾.pdf:096fKKXTRTtl3on89fVO.nfljtsv6qko:00617F08299329D192",
        ),
    ),
    "a failed invocation": (
        lambda: {
            "version": "1.0",
            "requestContext": {"requestId": "request-1", "condition": "RetriesExhausted"},
            "requestPayload": {"path": "a"},
            "responsePayload": {"errorType": "StoreUnavailable"},
        },
        ("trigger", "anonymous", "request-1"),
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_innermost_identity_wins(name):
    make, expected = SAMPLES[name]
    assert identity(make()) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"detail-type": "x", "source": "y"},
        {"detail-type": "x", "source": "y", "account": 5, "id": 6},
        {"detail-type": "x", "source": "aws.s3", "detail": "none"},
        {"detail-type": "x", "source": "aws.s3", "detail": {"bucket": [], "object": {}}},
        {"detail-type": "x", "source": "aws.scheduler", "resources": []},
        {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {}, "object": None}}]},
        {"Type": "Notification", "TopicArn": 5, "MessageId": "m", "Message": "{}"},
    ],
)
def test_an_event_without_an_identity_is_known_by_its_delivery(value):
    assert identity(value) == ("sqs", OUTER.principal, "message-1")


def test_without_a_sequencer_an_object_is_known_by_what_it_came_in():
    tagged = sample("eventbridge_s3_object_created")
    del tagged["detail"]["object"]["sequencer"]
    assert identity(tagged)[0] == "eventbridge"
    notification = sample("sns_s3")
    inner = json.loads(notification["Records"][0]["Sns"]["Message"])
    del inner["Records"][0]["s3"]["object"]["sequencer"]
    notification["Records"][0]["Sns"]["Message"] = json.dumps(inner)
    assert identity(notification)[0] == "sns"


def test_the_same_object_is_the_same_on_the_bus_and_in_a_notification():
    on_the_bus = sample("eventbridge_s3_object_created")
    on_the_bus["detail"]["object"] |= {"version-id": "v", "sequencer": "1"}
    notified = sample("s3_notification")
    notified["Records"][0]["s3"]["object"] |= {"versionId": "v", "sequencer": "1"}
    assert identity(on_the_bus) == identity(notified)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a:b", "c"), ("a", "b:c")), (("a%3Ab", "c"), ("a:b", "c")), (("a", ""), ("a:", ""))],
)
def test_a_colon_in_a_key_makes_no_two_objects_one(one, other):
    def of(key, version):
        found = {"key": key, "version-id": version, "sequencer": "1"}
        return identity_of(
            {"source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": found}}
        )

    assert of(*one) != of(*other)


def of_notification(key):
    record = json.loads(json.dumps(sample("s3_notification")["Records"][0]))
    record["s3"]["object"]["key"] = key
    return identity({"Records": [record]})[2].partition(":")[0]


def test_a_key_with_whatever_bytes_is_one_that_can_be_stored_and_no_other_object_s():
    assert of_notification("a+b%F0%9F%A7%BE") == "a b🧾"
    hostile = ["%00", "%2500", "%FF", "%FE", "%ED%A0%80", "%EF%BF%BD"]
    keys = [of_notification(key) for key in hostile]
    assert len(set(keys)) == len(keys)
    for key in keys:
        assert "\0" not in key
        key.encode()


def test_scheduler_s_own_event_looks_alike_with_each_delivery():
    event = SAMPLES["Scheduler's own event"][0]()
    (one,), (other,) = unwrapped(event), unwrapped(event | {"id": "another"})
    assert one == other
    assert one.value == {name: item for name, item in event.items() if name != "id"}


def test_a_message_holds_no_more_events_than_its_batch_can_wait_for():
    records = sample("s3_notification")["Records"]
    assert len(unwrapped({"Records": records * MOST_EVENTS})) == MOST_EVENTS
    with pytest.raises(LimitExceeded, match="events in one message: the limit is 100"):
        unwrapped({"Records": records * (MOST_EVENTS + 1)})


def test_several_records_in_one_message_are_several_events():
    several = {"Records": sample("s3_notification")["Records"] * 2}
    del several["Records"][1]["s3"]["object"]["sequencer"]
    two = json.loads(json.dumps(several))
    two["Records"][0]["s3"]["object"]["sequencer"] = "1"
    first, second = unwrapped(two)
    assert (first.identity.source, first.place) == ("s3", " 0")
    assert (second.identity.key, second.place) == ("message-1 1", " 1")


def test_the_test_event_of_s3_holds_no_event():
    assert unwrapped(sample("s3_test")) == []


def test_a_message_of_sns_is_kept_without_its_signature():
    (one,) = unwrapped(body("sqs_sns", 1))
    assert set(one.value) == {
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "MessageAttributes",
    }  # fmt: skip


def test_a_message_of_sns_is_the_same_in_a_queue_and_in_a_function():
    direct = sample("sns")["Records"][0]["Sns"] | {"Message": "text", "MessageAttributes": {}}
    queued = {
        name.replace("Url", "URL"): item for name, item in direct.items() if item not in (None, {})
    }
    (one,), (other,) = (
        unwrapped({"Records": [{"EventSource": "aws:sns", "Sns": direct}]}),
        (unwrapped(queued)),
    )
    assert one.value == other.value


def test_attributes_of_sns_count_where_the_queue_s_message_has_none():
    notification = body("sqs_sns", 1)
    notification["MessageAttributes"]["binary"] = {"Type": "Binary", "Value": 5}
    (one,) = unwrapped(notification)
    assert one.attributes == {"noetl-path": "examples/hello_world"}
    (one,) = unwrapped(notification, **{"noetl-path": "outer", "a": "b"})
    assert one.attributes == {"noetl-path": "outer", "a": "b"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (42, "body: must be a JSON object"),
        ([{"path": "a"}], "body: must be a JSON object"),
        (None, "body: must be a JSON object"),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "records of aws:kinesis"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "records of aws:sqs"),
        ({"Records": [5]}, "records that name no source"),
        ({"Records": [{"EventSource": "aws:sns", "Sns": "x"}]}, "records of aws:sns"),
    ],
)
def test_what_is_no_event_is_refused_with_its_shape(value, says):
    with pytest.raises(InvalidRequest, match=says):
        unwrapped(value)


@pytest.mark.parametrize(
    ("message", "error"),
    [('{"a": "\\u0000"}', UnstorableValue), ("[" * 100 + "]" * 100, LimitExceeded)],
)
def test_what_a_wrapping_holds_as_text_is_held_to_the_limits(message, error):
    notification = body("sqs_sns") | {"Message": message}
    with pytest.raises(error):
        unwrapped(notification)
