from __future__ import annotations

import pytest

from control_plane.batches import BatchItem, BatchStarter
from control_plane.errors import (
    CatalogEntryNotFound,
    IdempotencyKeyReused,
    InvalidPlaybook,
    InvalidRequest,
    PlaybookContentMissing,
    PlaybookNotFound,
    StoreUnavailable,
    UnstorableValue,
)
from control_plane.executions import Execution
from control_plane.requests import Caller, ExecuteRequest, read_model
from tests.unit.control_plane import PATH, PLAYBOOK, ControlPlane


@pytest.fixture
def plane():
    return ControlPlane()


def item(key, group=None, **body):
    request = read_model(ExecuteRequest, {"path": PATH, **body})
    return BatchItem(request, Caller("sqs", "queue", "message"), key, group)


def start(plane, *items, **limits):
    return BatchStarter(plane.starter, **limits).start(items)


def kinds(outcomes):
    return [
        ("replayed" if one.replayed else "started") if isinstance(one, Execution) else type(one)
        for one in outcomes
    ]


def fail_to_record(plane, error, *keys):
    """Have the store refuse every statement that would write one of the keys."""
    record_many = plane.store.record_many

    def refuse(starts):
        if {start.key.rpartition(":")[2] for start in starts} & set(keys):
            plane.store.round_trips += 1
            raise error
        return record_many(starts)

    plane.store.record_many = refuse


@pytest.mark.parametrize("number", [1, 10, 1000])
def test_a_batch_is_two_round_trips_and_one_publish_of_all(plane, number):
    outcomes = start(plane, *(item(f"k{n}", payload={"n": n}) for n in range(number)))
    assert kinds(outcomes) == ["started"] * number
    assert [one.workload.value["n"] for one in plane.starts] == list(range(number))
    assert (plane.store.round_trips, plane.notifier.calls) == (2, 1)
    assert len(plane.notifier.published) == number


def test_a_batch_of_one_is_what_a_single_start_is(plane):
    other = ControlPlane()
    (alone,) = start(plane, item("k", payload={"name": "Ada"}))
    single = other.starter.start(
        read_model(ExecuteRequest, {"path": PATH, "payload": {"name": "Ada"}}),
        Caller("sqs", "queue", "message"),
        "k",
    )
    assert alone == single
    assert plane.starts == other.starts
    assert plane.observer.told == other.observer.told
    assert plane.notifier.published == other.notifier.published


def test_nothing_to_start_asks_nobody(plane):
    assert start(plane) == []
    assert plane.store.round_trips == plane.notifier.calls == 0


def test_each_item_has_its_own_outcome(plane):
    plane.start("queue", "known")
    plane.backend.add_entry("empty", 1, None, None)
    outcomes = start(
        plane,
        item("a"),
        item("b", path=None),
        item("c", path="none"),
        item("d", path="empty"),
        item("e", execution_pool="gpu"),
        item("f"),
    )
    assert kinds(outcomes) == [
        "started",
        InvalidRequest,
        PlaybookNotFound,
        PlaybookContentMissing,
        InvalidRequest,
        "started",
    ]
    assert plane.store.round_trips == 4


def test_a_known_key_is_answered_as_the_first_time(plane):
    (first,) = start(plane, item("k"))
    (again, other) = start(plane, item("k"), item("k", payload={"a": 1}))
    assert again.answer == first.answer
    assert kinds([again, other]) == ["replayed", IdempotencyKeyReused]
    assert len(plane.starts) == 1


def test_of_one_key_twice_in_a_batch_the_second_is_a_replay(plane):
    outcomes = start(plane, item("k"), item("k"), item("k", payload={"a": 1}))
    assert kinds(outcomes) == ["started", "replayed", IdempotencyKeyReused]
    assert outcomes[0].answer == outcomes[1].answer
    assert len(plane.starts) == len(plane.notifier.published) == 1
    assert plane.store.round_trips == 2


def test_of_one_key_twice_the_second_starts_when_the_first_cannot(plane):
    outcomes = start(plane, item("k", path="none"), item("k"))
    assert kinds(outcomes) == [PlaybookNotFound, "started"]


def test_a_playbook_is_sent_once_even_when_nothing_is_kept():
    plane = ControlPlane(cache_bytes=0)
    outcomes = start(plane, *(item(f"k{n}") for n in range(3)))
    assert kinds(outcomes) == ["started"] * 3


def test_what_the_cache_drops_meanwhile_is_not_missed():
    # Room for one playbook: reading the other one drops it between the question and its use.
    plane = ControlPlane(cache_bytes=len(PLAYBOOK) + 10)
    plane.backend.add_entry("other", 1, PLAYBOOK.replace("Hello", "Bonjour"), None)
    start(plane, item("1"))
    outcomes = start(plane, item("2", path="other"), item("3"))
    assert kinds(outcomes) == ["started"] * 2


def test_an_invalid_playbook_is_told_to_each_item_that_wants_it(plane):
    plane.backend.add_entry("bad", 1, "a: 1", None)
    outcomes = start(plane, item("1", path="bad"), item("2"), item("3", path="bad"))
    assert kinds(outcomes) == [InvalidPlaybook, "started", InvalidPlaybook]
    assert outcomes[0].message == outcomes[2].message


def test_large_documents_are_asked_for_in_turns(plane):
    for n in range(6):
        plane.backend.add_entry(f"p{n}", 1, PLAYBOOK + f"# {n}", None)
    plane.store._most_document_bytes = 2 * len(PLAYBOOK) + 100
    outcomes = start(plane, *(item(f"k{n}", path=f"p{n}") for n in range(6)))
    assert kinds(outcomes) == ["started"] * 6
    assert plane.store.round_trips == 3 + 1


def test_large_workloads_are_recorded_in_turns(plane):
    items = [item(f"k{n}", payload={"text": "x" * 30_000}) for n in range(6)]
    outcomes = start(plane, *items, chunk_bytes=100_000)
    assert kinds(outcomes) == ["started"] * 6
    assert (plane.store.round_trips, plane.notifier.calls) == (1 + 2, 2)


def test_one_that_cannot_be_written_fails_alone(plane):
    fail_to_record(plane, UnstorableValue("no"), "k5")
    outcomes = start(plane, *(item(f"k{n}") for n in range(8)))
    assert kinds(outcomes) == ["started"] * 5 + [UnstorableValue] + ["started"] * 2
    assert len(plane.starts) == len(plane.notifier.published) == 7
    # The batch, and of each half that fails both halves.
    assert plane.store.round_trips == 1 + 1 + 2 + 2 + 2


def test_an_entry_that_vanishes_meanwhile_fails_alone(plane):
    gone = plane.backend.add_entry("gone", 1, PLAYBOOK, None)
    record_many = plane.store.record_many

    def vanish(starts):
        catalog = plane.backend.database.catalog
        catalog[:] = [entry for entry in catalog if entry.catalog_id != gone]
        return record_many(starts)

    plane.store.record_many = vanish
    outcomes = start(plane, item("1"), item("2", path="gone"), item("3"))
    assert kinds(outcomes) == ["started", CatalogEntryNotFound, "started"]


def test_one_that_cannot_be_asked_for_fails_alone(plane):
    resolve_many = plane.store.resolve_many

    def refuse(lookups):
        if any(lookup.key.endswith("k5") for lookup in lookups):
            raise UnstorableValue("no")
        return resolve_many(lookups)

    plane.store.resolve_many = refuse
    outcomes = start(plane, *(item(f"k{n}") for n in range(8)))
    assert kinds(outcomes) == ["started"] * 5 + [UnstorableValue] + ["started"] * 2


def test_when_the_database_is_gone_all_that_is_left_may_be_tried_again(plane):
    fail_to_record(plane, StoreUnavailable("gone"), "k4")
    items = [item(f"k{n}", payload={"text": "x" * 30_000}) for n in range(6)]
    outcomes = start(plane, items[0], item("bad", path="none"), *items[1:], chunk_bytes=70_000)
    assert kinds(outcomes) == [
        "started",
        PlaybookNotFound,
        "started",
        "started",
        *[StoreUnavailable] * 3,
    ]
    assert kinds(start(plane, *items)) == ["replayed"] * 2 + ["replayed"] + [StoreUnavailable] * 3


def test_a_database_that_never_answered_is_told_to_each_item(plane):
    def gone(_):
        raise StoreUnavailable("gone")

    plane.store.resolve_many = gone
    assert kinds(start(plane, item("1"), item("2", path=None), item("3"))) == [
        StoreUnavailable,
        InvalidRequest,
        StoreUnavailable,
    ]


def test_a_defect_with_one_concerns_no_other(plane):
    class Broken(ExecuteRequest):
        @property
        def fingerprint(self):
            raise ZeroDivisionError

    broken = BatchItem(Broken(path=PATH), Caller("sqs", "queue", "message"), "2")
    outcomes = start(plane, item("1"), broken, item("3"))
    assert kinds(outcomes) == ["started", ZeroDivisionError, "started"]


def test_notifications_that_fail_are_left_to_the_relay(plane):
    plane.notifier.failure = "no acknowledgement in time"
    outcomes = start(plane, item("1"), item("2"))
    assert kinds(outcomes) == ["started"] * 2
    assert len(plane.backend.pending()) == 2
    assert [told[0] for told in plane.observer.told] == ["started"] * 2 + ["deferred"] * 2


def test_acknowledged_rows_go_with_the_next_batch(plane):
    start(plane, item("1"), item("2"))
    start(plane, item("3"))
    assert plane.backend.pending() == [plane.starts[2].ids.command_id]


def test_after_a_failure_that_may_pass_its_group_waits_and_no_other(plane):
    fail_to_record(plane, ZeroDivisionError("a defect"), "a2")
    outcomes = start(
        plane,
        item("a1", "A"),
        item("a2", "A"),
        item("b1", "B"),
        item("a3", "A"),
        item("b2", "B"),
        item("none"),
    )
    assert kinds(outcomes) == [
        "started",
        ZeroDivisionError,
        "started",
        ZeroDivisionError,
        "started",
        "started",
    ]


def test_after_a_failure_that_never_passes_its_group_goes_on(plane):
    outcomes = start(plane, item("a1", "A"), item("a2", "A", path="none"), item("a3", "A"))
    assert kinds(outcomes) == ["started", PlaybookNotFound, "started"]


def test_a_trace_of_the_caller_counts_where_the_body_has_none(plane):
    own, given = ({"traceparent": f"00-{letter * 32}-{letter * 16}-01"} for letter in "ab")
    caller = Caller("sqs", "queue", "m", read_model(ExecuteRequest, {"trace": given}).trace)
    requests = [read_model(ExecuteRequest, {"path": PATH, "trace": trace}) for trace in (None, own)]
    BatchStarter(plane.starter).start([BatchItem(one, caller, str(one)) for one in requests])
    assert [one.trace.value for one in plane.starts] == [given, own]
    sent = [message.traceparent for message in plane.notifier.published]
    assert sent == [given["traceparent"], own["traceparent"]]
