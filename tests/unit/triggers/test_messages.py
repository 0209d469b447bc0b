"""From a message to the starts that it asks for: request, key, pool, trace, group."""

from __future__ import annotations

import json

import pytest

from control_plane.batches import BatchItem
from control_plane.errors import InvalidRequest, LimitExceeded, MalformedRequest, UnstorableValue
from control_plane.limits import Limits
from control_plane.triggers.messages import MessageReader
from tests.unit.control_plane import event as sample

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:noetl-serverless-trigger"
HELLO = "examples/hello_world"
SCHEDULE = "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/noetl-nightly"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def a_record(body, queue=QUEUE, system=None, **attributes):
    return {
        "messageId": "message-1",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1", **(system or {})},
        "messageAttributes": {
            name.replace("_", "-"): {"stringValue": text, "dataType": "String"}
            for name, text in attributes.items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
    }


def read(record, default_path=None):
    return MessageReader(Limits(), default_path).message(record)


def only(message) -> BatchItem:
    (item,) = message.items
    assert isinstance(item, BatchItem), item
    return item


def stored_key(item):
    return item.caller.stored_key(item.key)


def refusal(message):
    (error,) = message.items
    return error


def test_a_body_is_a_request():
    body = {"path": "a", "payload": {"n": 1}, "parent_execution_id": "7", "resource_kind": "x"}
    request = only(read(a_record(body))).request
    assert (request.path, request.payload, request.parent_execution_id) == ("a", {"n": 1}, 7)


def test_attributes_fill_what_a_request_leaves_open():
    item = only(read(a_record({"path": "a", "execution_pool": None}, noetl_execution_pool="gpu")))
    assert item.request.execution_pool == "gpu"
    given = a_record({"path": "a", "execution_pool": "own"}, noetl_path="b", noetl_catalog_id="5",
                     noetl_execution_pool="gpu")  # fmt: skip
    request = only(read(given)).request
    assert (request.path, request.catalog_id, request.execution_pool) == ("a", None, "own")


@pytest.mark.parametrize(
    ("attributes", "target"),
    [
        ({"noetl_path": "a"}, ("a", None)),
        ({"noetl_catalog_id": "5"}, (None, 5)),
        ({"noetl_path": "a", "noetl_catalog_id": "5"}, ("a", 5)),
    ],
)
def test_what_is_no_request_becomes_the_payload_s_event(attributes, target):
    body = {"order": {"id": 42}, "payload": {"x": 1}}
    request = only(read(a_record(body, **attributes))).request
    assert (request.path, request.catalog_id) == target
    assert request.payload == {"event": body}


def test_an_empty_path_counts_as_none():
    body = {"path": "", "n": 1}
    assert only(read(a_record(body, noetl_path="a"))).request.path == "a"
    assert "Unknown event shape" in refusal(read(a_record(body))).message


@pytest.mark.parametrize("path", [0, [], {}, False, 5])
def test_a_path_that_is_no_text_is_told_as_such(path):
    assert refusal(read(a_record({"path": path}))).message == "path: must be a string"


@pytest.mark.parametrize(
    "name", ["eventbridge_custom", "eventbridge_schedule", "eventbridge_s3_object_created"]
)
def test_an_event_that_names_no_playbook_has_the_default_one(name):
    request = only(read(a_record(sample(name)), default_path="default")).request
    assert request.path == "default"
    assert request.payload == {"event": sample(name)}


def test_a_notification_of_s3_is_the_event_record_by_record():
    request = only(read(a_record(sample("s3_notification")), default_path="default")).request
    assert request.payload == {"event": sample("s3_notification")["Records"][0]}


def test_an_attribute_wins_over_the_default():
    given = a_record(sample("eventbridge_custom"), noetl_path="own")
    assert only(read(given, default_path="default")).request.path == "own"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"colour": "blue", "b": 1}, "Unknown event shape: an object with the fields b, colour"),
        ({}, "Unknown event shape: an empty object"),
        ({"payload": {}}, "Unknown event shape: an object with the fields payload"),
        ({str(n): n for n in range(9)}, "the fields 0, 1, 2, 3, 4, …"),
        ({"k" * 100: 1}, "the fields " + "k" * 40),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "Unknown event shape: records of aws:kine"),
        ({"Type": "SubscriptionConfirmation"}, "an object with the fields Type"),
    ],
)
def test_an_unknown_shape_is_named_whatever_the_default(body, says):
    error = refusal(read(a_record(body), default_path="default"))
    assert isinstance(error, InvalidRequest)
    assert says in error.message


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("eventbridge_custom", "an event of com.example.orders from EventBridge"),
        ("s3_notification", "a notification of S3"),
    ],
)
def test_an_event_without_a_playbook_is_refused_where_there_is_no_default(name, shape):
    error = refusal(read(a_record(sample(name))))
    assert error.message == f"{shape} names no playbook, and there is no default"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("this is not JSON", MalformedRequest),
        ("", MalformedRequest),
        ("\ud800", MalformedRequest),
        ("42", InvalidRequest),
        ("[]", InvalidRequest),
        ("null", InvalidRequest),
        ('{"path": 5}', InvalidRequest),
        ('{"path": "a", "payload": {"x": "\\u0000"}}', UnstorableValue),
        ("x" * (Limits().body_bytes + 1), LimitExceeded),
    ],
)
def test_what_can_be_no_request_is_refused_and_known_by_its_id(body, error):
    message = read(a_record(body, noetl_path="a"))
    assert type(refusal(message)) is error
    assert message.needs_id


def test_a_body_of_the_largest_size_of_the_queue_is_read():
    padding = "x" * (1024 * 1024 - len('{"path":"a","payload":{"x":""}}'))
    body = f'{{"path":"a","payload":{{"x":"{padding}"}}}}'
    assert len(body) == 1024 * 1024
    assert only(read(a_record(body))).request.payload["x"] == padding


KEYS = {
    "the message's id": ({"path": "a"}, {}, f"sqs:{QUEUE}:message-1", True),
    "a key in the body": ({"path": "a", "idempotency_key": "k"}, {}, f"sqs:{QUEUE}:k", False),
    "a key in an attribute": (
        {"path": "a", "idempotency_key": "k"},
        {"noetl_idempotency_key": "outer"},
        f"sqs:{QUEUE}:outer",
        False,
    ),
    "a schedule's": (
        {"path": "a", "idempotency_key": f"{SCHEDULE}@2026-10-28T02:00:00Z"},
        {},
        f"scheduler:{SCHEDULE}:2026-10-28T02:00:00Z",
        False,
    ),
    "an event in a request": (
        {"path": "a:b", "payload": {"event": sample("eventbridge_custom")}},
        {},
        "eventbridge:123456789012/com.example.orders:7bf73129-1428-4cd3-a780-95db273d1602:a%3Ab",
        False,
    ),
    "an object in a request by id": (
        {"catalog_id": "5", "path": "a", "payload": {"event": sample("s3_notification")}},
        {},
        "s3:invoices-example:incoming/Rechnung 2026 🧾.pdf:096fKKXTRTtl3on89fVO.nfljtsv6qko"
        ":00617F08299329D192:5",
        False,
    ),
    "a bare event": (
        sample("eventbridge_custom"),
        {"noetl_path": "a"},
        "eventbridge:123456789012/com.example.orders:7bf73129-1428-4cd3-a780-95db273d1602:a",
        False,
    ),
    "a bare event with a key": (
        sample("eventbridge_custom"),
        {"noetl_path": "a", "noetl_idempotency_key": "k"},
        "eventbridge:123456789012/com.example.orders:k",
        False,
    ),
    "anything else": ({"order": 1}, {"noetl_path": "a"}, f"sqs:{QUEUE}:message-1", True),
    "a playbook's own event field": (
        {"path": "a", "payload": {"event": {"id": "x"}}},
        {},
        f"sqs:{QUEUE}:message-1",
        True,
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_start_is_known_by(name):
    body, attributes, expected, needs_id = KEYS[name]
    message = read(a_record(body, **attributes))
    assert stored_key(only(message)) == expected
    assert message.needs_id is needs_id


def test_two_playbooks_may_start_by_one_event():
    event = sample("eventbridge_s3_object_created")
    one, other = (
        stored_key(only(read(a_record({"path": path, "payload": {"event": event}}))))
        for path in ("a", "b")
    )
    assert one != other


def test_a_message_keeps_its_key_in_a_copy_that_is_told_its_id():
    original = only(read(a_record({"path": "a"})))
    copy = a_record({"path": "a"}, noetl_idempotency_key="message-1") | {"messageId": "message-2"}
    assert stored_key(only(read(copy))) == stored_key(original)


def test_the_same_id_from_two_sources_is_two_starts():
    event = sample("eventbridge_custom") | {"id": "same"}
    notification = json.loads(sample("sqs_sns")["Records"][0]["body"]) | {"MessageId": "same"}
    messages = [
        read(a_record({"path": "a"}) | {"messageId": "same"}),
        read(a_record({"path": "a"}, queue=QUEUE + "2") | {"messageId": "same"}),
        read(a_record(event, noetl_path="a")),
        read(a_record(event | {"source": "other"}, noetl_path="a")),
        read(a_record(notification)),
        MessageReader(Limits()).event({"path": "a"}, "same"),
    ]
    assert len({stored_key(only(message)) for message in messages}) == len(messages)


@pytest.mark.parametrize("key", ["🔑", "a b", "k" * 256])
@pytest.mark.parametrize("place", ["body", "attribute"])
def test_a_key_that_is_none_is_refused(place, key):
    given = (
        a_record({"path": "a", "idempotency_key": key})
        if place == "body"
        else a_record({"path": "a"}, noetl_idempotency_key=key)
    )
    error = refusal(read(given))
    assert "must be 1 to 255 visible ASCII characters" in error.message
    assert "idempotency" in error.faults[0].where


@pytest.mark.parametrize("key", ["k", "http:anonymous:k", "direct:anonymous:k", f"{SCHEDULE}@t"])
def test_no_message_can_take_the_key_of_a_caller_of_the_api(key):
    request = {"path": "a", "idempotency_key": key}
    failed = {"requestContext": {"requestId": key}, "requestPayload": request}
    notification = sample("sns")["Records"][0]["Sns"] | {"Message": json.dumps(request)}
    messages = [
        read(a_record(request)),
        read(a_record(request, noetl_idempotency_key=key)),
        read(a_record(failed)),
        read(a_record(failed | {"requestPayload": {"path": "a"}})),
        read(a_record({"Records": [{"EventSource": "aws:sns", "Sns": notification}]})),
        MessageReader(Limits()).event(request, "request-1"),
    ]
    for message in messages:
        source = stored_key(only(message)).partition(":")[0]
        assert source in {"sqs", "sns", "scheduler", "trigger"}


def test_a_message_that_is_partly_known_by_its_events_does_not_need_its_id():
    known, unknown = (json.loads(json.dumps(sample("s3_notification"))) for _ in range(2))
    del unknown["Records"][0]["s3"]["object"]["sequencer"]
    both = {"Records": known["Records"] + unknown["Records"]}
    assert not read(a_record(both, noetl_path="a")).needs_id
    assert read(a_record(unknown, noetl_path="a")).needs_id


def test_a_deduplication_id_is_no_identity():
    # It may be a hash of the body: the same order twice is two orders.
    first, _, second = (read(record) for record in sample("sqs_fifo")["Records"])
    assert first.body == second.body
    assert stored_key(only(first)) != stored_key(only(second))


def test_a_group_keeps_its_order_in_a_fifo_queue_alone():
    groups = [read(record).group for record in sample("sqs_fifo")["Records"]]
    assert groups == ["orders", "invoices", "orders"]
    assert read(a_record({"path": "a"}, system={"MessageGroupId": "fair"})).group is None


def test_several_events_with_one_key_are_told_apart_by_their_place():
    two = {"Records": sample("s3_notification")["Records"] * 2}
    message = read(a_record(two, noetl_path="a", noetl_idempotency_key="k"))
    assert [item.key for item in message.items] == ["k 0", "k 1"]


def test_the_test_event_of_s3_asks_for_nothing():
    message = read(a_record(sample("s3_test")))
    assert message.items == ()
    assert not message.needs_id


XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
FROM_XRAY = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


@pytest.mark.parametrize(
    ("attributes", "system", "expected"),
    [
        ({"traceparent": PARENT}, {}, PARENT),
        ({}, {"AWSTraceHeader": XRAY}, FROM_XRAY),
        ({"traceparent": PARENT}, {"AWSTraceHeader": XRAY}, PARENT),
        ({"traceparent": "nonsense"}, {"AWSTraceHeader": XRAY}, FROM_XRAY),
        ({"traceparent": "nonsense"}, {"AWSTraceHeader": "Root=1-x"}, None),
        ({"baggage": "a=1"}, {"AWSTraceHeader": XRAY}, FROM_XRAY),
        ({}, {"AWSTraceHeader": 5}, None),
        ({}, {}, None),
    ],
)
def test_the_trace_comes_from_an_attribute_else_from_x_ray(attributes, system, expected):
    trace = only(read(a_record({"path": "a"}, system=system, **attributes))).caller.trace
    assert (trace and trace.traceparent) == expected


def test_a_trace_in_the_body_wins():
    body = {"path": "a", "trace": {"traceparent": FROM_XRAY}}
    item = only(read(a_record(body, traceparent=PARENT)))
    assert item.request.trace.traceparent == FROM_XRAY
    assert item.caller.trace.traceparent == PARENT


@pytest.mark.parametrize("name", ["messageId", "body", "eventSourceARN", "attributes"])
@pytest.mark.parametrize("wrong", [None, 5])
def test_a_record_that_is_incomplete_is_refused(name, wrong):
    with pytest.raises(InvalidRequest, match="incomplete"):
        read(a_record({"path": "a"}) | {name: wrong})


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        "text",
        ["noetl-path"],
        {"noetl-path": "a"},
        {"noetl-path": {"stringValue": 5, "dataType": "Number"}},
        {"noetl-path": {"stringValue": "b"}},
        {"noetl-path": {"stringValue": "", "dataType": "String"}},
    ],
)
def test_attributes_that_are_none_count_as_absent(malformed):
    message = read(a_record({"path": "a"}) | {"messageAttributes": malformed})
    assert only(message).request.path == "a"
    assert message.attributes == {}


def test_a_record_needs_no_attributes():
    bare = {"messageId": "m", "body": '{"path": "a"}', "eventSourceARN": QUEUE + ".fifo"}
    assert stored_key(only(read(bare))) == f"sqs:{QUEUE}.fifo:m"


def test_attributes_of_the_queue_s_own_that_are_none_count_as_absent():
    message = read(a_record({"path": "a"}, queue=QUEUE + ".fifo", system={"MessageGroupId": 5}))
    assert only(message).group is None
    assert message.receive_count == "1"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("execute_direct", "trigger:anonymous:request-1"),
        ("scheduler", f"scheduler:{SCHEDULE}:2026-10-28T02:00:00Z"),
        ("sns", "sns:arn:aws:sns:eu-central-1:123456789012:orders:topic-1"),
    ],
)
def test_an_event_sent_to_the_function_is_read_alike(name, key):
    message = MessageReader(Limits(), "default").event(sample(name), "request-1")
    assert stored_key(only(message)) == key
    assert json.loads(message.body) == sample(name)
    assert message.group is None


def test_an_event_in_a_queue_and_at_the_function_itself_is_the_same():
    reader = MessageReader(Limits(), "default")
    for name in ("eventbridge_custom", "eventbridge_s3_object_created", "s3_notification",
                 "scheduler"):  # fmt: skip
        direct, queued = reader.event(sample(name), "r"), reader.message(a_record(sample(name)))
        assert stored_key(only(direct)) == stored_key(only(queued))
        assert only(direct).request.fingerprint == only(queued).request.fingerprint


@pytest.mark.parametrize("value", [42, None, [], "text", {"a": {"b": float("nan")}}])
def test_an_event_that_is_none_is_refused(value):
    (error,) = MessageReader(Limits()).event(value, "request-1").items
    assert isinstance(error, InvalidRequest)
