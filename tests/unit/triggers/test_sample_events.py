"""The sample events have the shapes of AWS: Powertools' data classes find what they name."""

from __future__ import annotations

import hashlib
import json

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    EventBridgeEvent,
    S3Event,
    S3EventBridgeNotificationEvent,
    SNSEvent,
    SQSEvent,
)

from tests.unit.control_plane import EVENTS, event

QUEUED = sorted(path.stem for path in EVENTS.glob("sqs_*.json"))


@pytest.mark.parametrize("name", QUEUED)
def test_a_batch_of_a_queue(name):
    records = list(SQSEvent(event(name)).records)
    assert 1 <= len(records) <= 10
    assert len({record.message_id for record in records}) == len(records)
    for record in records:
        assert record.event_source == "aws:sqs"
        assert record.event_source_arn.startswith("arn:aws:sqs:eu-central-1:123456789012:")
        assert record.aws_region == "eu-central-1"
        assert record.receipt_handle
        assert int(record.attributes.approximate_receive_count) == 1
        assert int(record.attributes.sent_timestamp) > 0
        assert record.md5_of_body == hashlib.md5(record.body.encode()).hexdigest()
        for attribute in record.message_attributes.values():
            assert attribute["dataType"] == "String"
            assert attribute["stringValue"]


def test_a_batch_of_a_fifo_queue_has_groups_and_an_order():
    records = list(SQSEvent(event("sqs_fifo")).records)
    numbers = [int(record.attributes.sequence_number) for record in records]
    assert numbers == sorted(set(numbers))
    assert all(record.event_source_arn.endswith(".fifo") for record in records)
    assert all(record.attributes.message_group_id for record in records)
    assert all(record.attributes.message_deduplication_id for record in records)


def test_a_batch_with_attributes_has_a_trace_header_of_x_ray():
    _, record = SQSEvent(event("sqs_with_attributes")).records
    assert record.attributes.aws_trace_header.startswith("Root=1-")


def bodies(name):
    return [record.json_body for record in SQSEvent(event(name)).records]


BUS = [
    event("eventbridge_custom"),
    event("eventbridge_s3_object_created"),
    event("eventbridge_schedule"),
    bodies("sqs_eventbridge_custom")[0]["payload"]["event"],
    bodies("sqs_eventbridge_custom")[1],
    bodies("sqs_eventbridge_s3_object_created")[0]["payload"]["event"],
    bodies("sqs_eventbridge_schedule")[0],
]


@pytest.mark.parametrize("sample", BUS, ids=lambda sample: sample["detail-type"])
def test_an_event_of_the_bus(sample):
    found = EventBridgeEvent(sample)
    assert (found.version, found.account, found.region) == ("0", "123456789012", "eu-central-1")
    assert len(found.get_id) == 36
    assert found.time.endswith("Z")
    assert isinstance(found.resources, list)
    assert isinstance(found.detail, dict)
    assert found.source
    assert found.detail_type


def test_an_object_on_the_bus():
    detail = S3EventBridgeNotificationEvent(event("eventbridge_s3_object_created")).detail
    assert detail.bucket.name == "invoices-example"
    assert detail.object.key == "incoming/Rechnung 2026 🧾.pdf"
    assert int(detail.object.sequencer, 16)
    assert detail.object.version_id
    assert detail.reason == "PutObject"


@pytest.mark.parametrize(
    "sample",
    [
        event("s3_notification"),
        bodies("sqs_s3_notification")[0],
        json.loads(SNSEvent(event("sns_s3")).sns_message),
        json.loads(bodies("sqs_sns_s3")[0]["Message"]),
    ],
    ids=["direct", "in SQS", "in SNS", "in SNS in SQS"],
)
def test_a_notification_of_s3(sample):
    found = S3Event(sample)
    assert found.bucket_name == "invoices-example"
    assert found.object_key.startswith("incoming/")
    assert found.record.event_name == "ObjectCreated:Put"
    assert int(found.record.s3.get_object.sequencer, 16)


@pytest.mark.parametrize("name", ["sns", "sns_s3"])
def test_a_message_of_a_topic_at_the_function(name):
    record = SNSEvent(event(name)).record
    assert record.event_source == "aws:sns"
    assert record.event_subscription_arn.startswith(record.sns.topic_arn)
    assert record.sns.get_type == "Notification"
    assert len(record.sns.message_id) == 36
    assert record.sns.signing_cert_url
    assert record.sns.unsubscribe_url
    assert isinstance(record.sns.message_attributes, dict)


@pytest.mark.parametrize("name", ["sqs_sns", "sqs_sns_s3"])
def test_a_message_of_a_topic_in_a_queue(name):
    for record in SQSEvent(event(name)).records:
        message = record.decoded_nested_sns_event
        assert message.get_type == "Notification"
        assert message.topic_arn == "arn:aws:sns:eu-central-1:123456789012:orders"
        assert {"SigningCertURL", "UnsubscribeURL"} <= set(message.raw_event)


def test_an_object_in_sns_in_sqs_is_found_by_way_of_all_three():
    (record,) = SQSEvent(event("sqs_sns_s3")).records
    assert S3Event(json.loads(record.decoded_nested_sns_event.message)).object_key


@pytest.mark.parametrize("sample", [event("s3_test"), bodies("sqs_s3_test")[0]])
def test_the_test_event_of_s3(sample):
    assert (sample["Service"], sample["Event"]) == ("Amazon S3", "s3:TestEvent")
    assert set(sample) == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}


@pytest.mark.parametrize("sample", [event("scheduler"), *bodies("sqs_scheduler")])
def test_the_input_of_a_schedule(sample):
    schedule, _, time = sample["idempotency_key"].partition("@")
    assert schedule.startswith("arn:aws:scheduler:eu-central-1:123456789012:schedule/")
    assert sample["payload"]["scheduled_time"] == time
