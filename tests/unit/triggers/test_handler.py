"""What the trigger function answers, starts and sorts out."""

from __future__ import annotations

import json
import random

import pytest

from control_plane.errors import (
    InternalError,
    InvalidRequest,
    PlaybookNotFound,
    StoreUnavailable,
)
from tests.unit.control_plane import EVENTS, PATH, PLAYBOOK, event
from tests.unit.triggers.trigger_plane import QUEUE, TriggerPlane, in_group, message

NOT_FOUND = {"path": "none"}
SAMPLES = sorted(
    path.stem
    for path in EVENTS.glob("*.json")
    if path.stem.startswith(("sqs_", "sns", "s3_", "eventbridge_", "scheduler"))
)


@pytest.fixture
def plane():
    return TriggerPlane()


def fail_to_record(plane, error, *keys):
    record_many = plane.store.record_many

    def refuse(starts):
        if not keys or {start.key.rpartition(":")[2] for start in starts} & set(keys):
            raise error
        return record_many(starts)

    plane.store.record_many = refuse
    return record_many


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_event_never_starts_twice(plane, name):
    plane.serve(event(name))
    starts = len(plane.starts)
    assert starts or name in {"s3_test", "sqs_s3_test"}
    for _ in range(4):
        plane.serve(event(name))
    assert len(plane.starts) == starts


def test_a_batch_is_two_round_trips_and_all_is_done(plane):
    assert plane.deliver(*(message(f"m{n}") for n in range(10))) == []
    assert len(plane.starts) == 10
    assert (plane.store.round_trips, plane.notifier.calls) == (2, 1)


def test_an_empty_batch_is_done(plane):
    assert plane.deliver() == []
    assert plane.store.round_trips == 0


def test_what_can_never_start_is_dead_lettered_and_the_rest_goes_on(plane):
    batch = event("sqs_partial")
    assert plane.serve(batch) == {"batchItemFailures": []}
    assert [start.workload.value["name"] for start in plane.starts] == ["First", "Last"]
    letters = plane.dead_letters.letters
    assert [letter.body for letter in letters] == [
        record["body"] for record in batch["Records"][1:5]
    ]
    reasons = [letter.attributes["noetl-reason"]["stringValue"] for letter in letters]
    assert reasons == [
        "Playbook not found: examples/no_such_playbook",
        "The request body is not JSON: Expecting value (line 1, column 1)",
        "body: must be a JSON object",
        "Unknown event shape: an object with the fields colour",
    ]


def test_a_copy_that_cannot_be_kept_is_delivered_again(plane):
    plane.dead_letters.problem = "AccessDenied"
    assert plane.deliver(message("m1"), message("m2", NOT_FOUND), message("m3")) == ["m2"]
    assert len(plane.starts) == 2


def test_what_may_succeed_later_is_delivered_again_and_then_starts(plane):
    record_many = fail_to_record(plane, StoreUnavailable("gone"))
    assert plane.deliver(message("m1"), message("m2", NOT_FOUND), message("m3")) == ["m1", "m3"]
    assert [letter.id for letter in plane.dead_letters.letters] == ["m2"]
    plane.store.record_many = record_many
    assert plane.deliver(message("m1"), message("m3")) == []
    assert len(plane.starts) == 2


def test_a_defect_with_one_message_is_that_message_s_alone(plane, caplog):
    fail_to_record(plane, ZeroDivisionError("a defect"), "m2")
    assert plane.deliver(message("m1"), message("m2"), message("m3")) == ["m2"]
    assert "ZeroDivisionError" in caplog.text


def test_when_all_fail_all_are_delivered_again(plane):
    fail_to_record(plane, StoreUnavailable("gone"))
    assert plane.deliver(message("m1"), message("m2")) == ["m1", "m2"]


def test_a_message_with_several_events_is_done_when_all_are(plane):
    records = event("s3_notification")["Records"]
    other = json.loads(json.dumps(records[0]))
    other["s3"]["object"]["sequencer"] = "9"
    both = message("m1", {"Records": [*records, other]})
    record_many = fail_to_record(plane, ZeroDivisionError("a defect"), PATH)
    assert plane.deliver(both) == ["m1"]
    plane.store.record_many = record_many
    assert plane.deliver(both) == plane.deliver(both) == []
    assert len(plane.starts) == 2


def test_a_schedule_whose_playbook_was_deleted_is_dead_lettered(plane):
    batch = event("sqs_scheduler")
    assert plane.serve(batch) == {"batchItemFailures": []}
    plane.backend.database.catalog.clear()
    again = json.loads(batch["Records"][0]["body"].replace("2026-10-29", "2026-10-30"))
    assert plane.deliver(message("m1", again)) == []
    (letter,) = plane.dead_letters.letters
    assert letter.attributes["noetl-error"]["stringValue"] == "PlaybookNotFound"


def test_a_message_seen_for_the_hundredth_time_is_a_replay(plane):
    assert plane.deliver(message("m1")) == []
    assert plane.deliver(message("m1", ApproximateReceiveCount="100")) == []
    assert len(plane.starts) == 1
    assert plane.observer.told[-1][0] == "replayed"


def test_the_same_body_twice_is_two_starts(plane):
    assert plane.deliver(message("m1"), message("m2")) == []
    assert len(plane.starts) == 2


def test_an_event_that_comes_in_two_messages_starts_once(plane):
    body = event("eventbridge_s3_object_created")
    assert plane.deliver(message("m1", body), message("m2", body)) == []
    assert len(plane.starts) == 1


def test_one_event_starts_each_playbook_that_a_rule_names_for_it(plane):
    plane.backend.add_entry("other", 1, PLAYBOOK, None)
    body = event("eventbridge_s3_object_created")
    bodies = [{"path": path, "payload": {"event": body}} for path in (PATH, "other", PATH)]
    assert plane.deliver(*(message(f"m{n}", one) for n, one in enumerate(bodies))) == []
    assert [start.path for start in plane.starts] == [PATH, "other"]


def test_an_event_that_starts_one_playbook_in_two_ways_needs_a_key_for_each(plane):
    body = {"path": PATH, "payload": {"event": event("eventbridge_custom")}}
    other = {"path": PATH, "payload": body["payload"] | {"rule": "other"}}
    assert plane.deliver(message("m1", body), message("m2", other)) == []
    (letter,) = plane.dead_letters.letters
    assert letter.attributes["noetl-error"]["stringValue"] == "IdempotencyKeyReused"
    assert plane.deliver(message("m3", other | {"idempotency_key": "other"})) == []
    assert len(plane.starts) == 2


def test_what_scheduler_sends_twice_under_two_ids_starts_once(plane):
    sent = {
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "time": "2026-10-28T02:00:00Z",
        "resources": ["arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly"],
    }
    for place in ("m1", "m2"):
        assert plane.deliver(message(place, sent | {"id": place})) == []
    assert len(plane.starts) == 1
    assert plane.dead_letters.letters == []


def test_a_message_with_too_many_events_does_not_delay_its_batch(plane):
    many = {"Records": event("s3_notification")["Records"] * 101}
    assert plane.deliver(message("m1", many), message("m2")) == []
    assert [letter.id for letter in plane.dead_letters.letters] == ["m1"]
    assert len(plane.starts) == 1


@pytest.mark.parametrize(("more", "started"), [(0, 2), (1, 1)])
def test_a_body_of_the_queue_s_largest_size_starts_and_a_larger_one_is_dead_lettered(
    plane, more, started
):
    empty = len(json.dumps({"path": PATH, "payload": {"name": ""}}))
    name = "x" * (1024 * 1024 - empty + more)
    large = message("m1", {"path": PATH, "payload": {"name": name}})
    assert plane.deliver(large, message("m2")) == []
    assert len(plane.starts) == started
    assert [letter.id for letter in plane.dead_letters.letters] == ["m1"] * more


def test_one_id_for_two_requests_is_dead_lettered(plane):
    body = {"path": PATH, "idempotency_key": "k"}
    assert plane.deliver(message("m1", body), message("m2", body | {"payload": {"a": 1}})) == []
    (letter,) = plane.dead_letters.letters
    assert letter.id == "m2"
    assert letter.attributes["noetl-error"]["stringValue"] == "IdempotencyKeyReused"


def test_in_a_fifo_queue_a_failure_that_may_pass_blocks_its_group_alone(plane):
    record_many = fail_to_record(plane, ZeroDivisionError("a defect"), "a2")
    batch = [
        in_group("a1", "A"),
        in_group("b1", "B"),
        in_group("a2", "A"),
        in_group("a3", "A"),
        in_group("b2", "B"),
    ]
    assert plane.deliver(*batch) == ["a2", "a3"]
    assert [start.key[-2:] for start in plane.starts] == ["a1", "b1", "b2"]
    plane.store.record_many = record_many
    assert plane.deliver(*batch[2:4]) == []
    assert [start.key[-2:] for start in plane.starts][3:] == ["a2", "a3"]


def test_in_a_fifo_queue_what_can_never_start_blocks_nothing(plane):
    batch = [in_group("a1", "A"), in_group("a2", "A", NOT_FOUND), in_group("a3", "A")]
    assert plane.deliver(*batch) == []
    assert [letter.id for letter in plane.dead_letters.letters] == ["a2"]
    assert len(plane.starts) == 2


def test_in_a_fifo_queue_a_copy_that_cannot_be_kept_blocks_its_group(plane):
    plane.dead_letters.problem = "AccessDenied"
    batch = [in_group("a1", "A", NOT_FOUND), in_group("b1", "B"), in_group("a2", "A")]
    assert plane.deliver(*batch) == ["a1", "a2"]


def test_in_a_fifo_queue_a_record_without_attributes_blocks_nothing(plane):
    fail_to_record(plane, ZeroDivisionError("a defect"), "a1")
    bare = in_group("a1", "A")
    del bare["attributes"]
    assert plane.deliver(in_group("b1", "B"), bare, in_group("b2", "B")) == ["a1"]


def test_a_group_in_another_queue_blocks_nothing(plane):
    fail_to_record(plane, ZeroDivisionError("a defect"), "m1")
    batch = [message("m1", MessageGroupId="A"), message("m2", MessageGroupId="A")]
    assert plane.deliver(*batch) == ["m1"]


def test_redeliveries_in_any_order_never_start_twice(plane):
    order = random.Random(6)
    records = [message(f"m{n}", {"path": PATH, "payload": {"n": n}}) for n in range(10)]
    deliveries = [record for record in records for _ in range(5)]
    order.shuffle(deliveries)
    while deliveries:
        batch, deliveries = deliveries[:7], deliveries[7:]
        unique = {record["messageId"]: record for record in batch}
        assert plane.deliver(*unique.values()) == []
    assert sorted(start.workload.value["n"] for start in plane.starts) == list(range(10))
    assert len(plane.notifier.published) == 10


def test_an_event_sent_to_the_function_is_answered_with_what_it_started(plane):
    answer = plane.serve(event("eventbridge_custom"))
    (start,) = plane.starts
    assert answer["started"] == 1
    assert answer["results"][0]["execution_id"] == str(start.ids.execution_id)
    assert plane.serve(event("eventbridge_custom"))["duplicates"] == 1


def test_what_is_sent_to_the_function_again_by_lambda_starts_once(plane):
    request = {"path": PATH}
    plane.serve(request, "request-1")
    plane.serve(request, "request-1")
    assert len(plane.starts) == 1
    plane.serve(request, "request-2")
    assert len(plane.starts) == 2


def test_an_event_that_can_never_start_is_dead_lettered(plane):
    answer = plane.serve(NOT_FOUND)
    assert (answer["started"], answer["failed"]) == (0, 1)
    assert answer["results"][0]["error"] == "Playbook not found: none"
    (letter,) = plane.dead_letters.letters
    assert json.loads(letter.body) == NOT_FOUND


@pytest.mark.parametrize(
    ("sent", "error"),
    [(NOT_FOUND, PlaybookNotFound), (42, InvalidRequest), ({"a": 1}, InvalidRequest)],
)
def test_an_event_of_which_no_copy_can_be_kept_fails_by_its_name(plane, sent, error):
    plane.dead_letters.problem = "DEAD_LETTER_QUEUE_URL is no URL"
    with pytest.raises(error):
        plane.serve(sent)


def test_an_event_that_may_start_later_fails_so_that_lambda_tries_again(plane):
    fail_to_record(plane, StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        plane.serve({"path": PATH})
    assert plane.dead_letters.letters == []


def test_a_defect_is_told_to_the_invoker_by_its_incident_alone(plane):
    fail_to_record(plane, ZeroDivisionError("postgresql://secret@host"))
    with pytest.raises(InternalError, match="incident request-1") as caught:
        plane.serve({"path": PATH})
    assert caught.value.__cause__ is None


def test_a_failed_invocation_out_of_the_dead_letter_queue_is_the_start_it_was(plane):
    plane.serve({"path": PATH}, "request-1")
    failed = {
        "version": "1.0",
        "timestamp": "2026-10-28T06:02:30.123Z",
        "requestContext": {"requestId": "request-1", "condition": "RetriesExhausted"},
        "requestPayload": {"path": PATH},
        "responsePayload": {"errorType": "StoreUnavailable"},
    }
    assert plane.deliver(message("m1", failed)) == []
    assert len(plane.starts) == 1


def test_a_body_that_imitates_a_batch_is_no_batch(plane):
    batch = {"Records": [message("m1"), {"eventSource": "aws:s3"}]}
    answer = plane.serve(batch)
    assert answer["failed"] == 1
    assert QUEUE not in answer["results"][0]["error"]
    assert plane.starts == []
