"""What any `Outbox` does, in memory or on PostgreSQL."""

from __future__ import annotations

import itertools

import pytest

from control_plane.json_text import Json
from control_plane.ports import CatalogReference, Notification
from control_plane.relay.outbox import NO_WORKER, DueNotification, Failure, OutboxState
from tests.contract.fake_store import a_start

HELLO = CatalogReference(None, "examples/hello")
NATS_DOWN = "cannot connect to NATS: connection refused"


@pytest.fixture
def outbox(backend):
    return backend.outbox()


@pytest.fixture
def start(backend):
    """Record starts, each under a key of its own."""
    entry = backend.add_entry("examples/hello", 1, "kind: Playbook", None)
    store = backend.execution_store()
    keys = map(str, itertools.count())

    def record(**changes):
        key = next(keys)
        ids = store.resolve(key, HELLO, None).ids
        started = a_start(ids, entry, key, **changes)
        assert store.record(started) is None
        return started

    return record


def worker_says(backend, started, event_type="command.claimed"):
    ids = started.ids
    backend.append(ids.execution_id, ids.command_id + 1, event_type, catalog_id=started.catalog_id)


def sent(outbox, most=100):
    return [due.notification.message_id for due in outbox.lease(most, 30).due]


def notified(outbox):
    """Lease and acknowledge what is due."""
    due = outbox.lease(100, 30).due
    outbox.acknowledge(due)
    return [one.notification.message_id for one in due]


def looked(outbox, most=100):
    """Look once; what was found is due afterwards."""
    look = outbox.look(most)
    first = [
        Notification("noetl.commands.shared.1", command.issued.id, "{}")
        for command in look.unclaimed
    ]
    outbox.renew(look, first)
    return [command.command_id for command in look.unclaimed]


def test_a_start_is_due_a_minute_after_it_was_recorded(backend, outbox, start):
    recorded = start()
    backend.pass_time(59)
    assert outbox.lease(100, 30).due == ()
    backend.pass_time(2)
    (due,) = outbox.lease(100, 30).due
    assert due == DueNotification(recorded.ids.command_id, 0, recorded.notification)


def test_a_notification_keeps_its_trace(backend, outbox, start):
    traced = Notification("noetl.commands.shared.1", "1:start:2", "{}", "00-1-2-01")
    start(notification=traced)
    backend.pass_time(61)
    (due,) = outbox.lease(100, 30).due
    assert due.notification == traced


def test_what_is_leased_is_nobody_else_s_until_the_lease_ends(backend, outbox, start):
    recorded = start()
    backend.pass_time(61)
    sent(outbox)
    assert sent(backend.outbox()) == []
    backend.pass_time(31)
    assert sent(backend.outbox()) == [recorded.notification.message_id]


def test_no_more_than_asked_for_is_leased_the_most_overdue_first(backend, outbox, start):
    started = []
    for _ in range(3):
        started.append(start().notification.message_id)
        backend.pass_time(1)
    backend.pass_time(60)
    assert sent(outbox, most=2) == started[:2]
    assert sent(outbox, most=2) == started[2:]


def test_what_the_start_acknowledges_itself_is_not_the_relay_s(backend, outbox, start):
    store = backend.execution_store()
    ids = store.resolve("k", HELLO, None).ids
    entry = start().catalog_id
    first = a_start(ids, entry, "k")
    store.record(first)
    store.acknowledge(first)
    store.record(a_start(store.resolve("l", HELLO, None).ids, entry, "l"))
    backend.pass_time(61)
    assert first.notification.message_id not in sent(outbox)


def test_an_acknowledgement_that_comes_too_late_leaves_the_row_to_the_relay(backend, outbox, start):
    store = backend.execution_store()
    entry = start().catalog_id
    first = a_start(store.resolve("k", HELLO, None).ids, entry, "k")
    store.record(first)
    store.acknowledge(first)
    backend.pass_time(61)
    store.record(a_start(store.resolve("l", HELLO, None).ids, entry, "l"))
    assert first.notification.message_id in sent(outbox)


@pytest.mark.parametrize(
    "sign", ["command.claimed", "command.started", "command.completed", "execution.cancelled"]
)
def test_where_a_worker_was_heard_of_nothing_is_sent_any_more(backend, outbox, start, sign):
    recorded = start()
    worker_says(backend, recorded, sign)
    backend.pass_time(61)
    lease = outbox.lease(100, 30)
    assert (lease.due, lease.settled) == ((), 1)
    assert backend.pending() == []


def test_what_has_arrived_waits_for_a_worker_and_is_then_sent_anew(backend, outbox, start):
    first = start().notification.message_id
    backend.pass_time(61)
    assert notified(outbox) == [first]
    backend.pass_time(290)
    assert sent(outbox) == []
    backend.pass_time(20)
    assert sent(outbox) == [f"{first}:1"]


def test_a_command_that_was_claimed_after_its_message_arrived_is_done(backend, outbox, start):
    recorded = start()
    backend.pass_time(61)
    notified(outbox)
    worker_says(backend, recorded)
    backend.pass_time(301)
    assert outbox.lease(100, 30).settled == 1
    assert backend.pending() == []


def test_renotifications_come_later_each_time_and_end_in_being_parked(backend, start):
    outbox = backend.outbox(renotify_limit=3)
    first = start().notification.message_id
    backend.pass_time(61)
    numbers = []
    for wait in (300, 600, 1200, 2400):
        numbers += notified(outbox)
        backend.pass_time(wait - 10)
        assert sent(outbox) == []
        backend.pass_time(20)
    assert numbers == [first, f"{first}:1", f"{first}:2", f"{first}:3"]
    lease = outbox.lease(100, 30)
    assert (lease.due, lease.parked) == ((), 1)
    (parked,) = outbox.parked(10)
    assert (parked.message_id, parked.last_error, parked.has_arrived) == (first, NO_WORKER, True)


def test_a_failure_is_tried_again_later_and_later_up_to_a_quarter_of_an_hour(
    backend, outbox, start
):
    start()
    backend.pass_time(61)
    for longest in (15, 30, 60, 120, 240, 480, 900, 900):
        due = outbox.lease(1, 5).due
        assert len(due) == 1
        outbox.defer([Failure(due[0], NATS_DOWN, was_tried=True)])
        assert outbox.lease(1, 5).due == ()
        backend.pass_time(longest)


def test_what_was_not_tried_stays_due(backend, outbox, start):
    start()
    backend.pass_time(61)
    (due,) = outbox.lease(1, 30).due
    outbox.defer([Failure(due, NATS_DOWN, was_tried=False)])
    assert outbox.lease(1, 30).due == (due,)


@pytest.mark.parametrize("was_tried", [True, False])
def test_what_does_not_arrive_for_too_long_is_parked_with_its_last_error(backend, start, was_tried):
    outbox = backend.outbox(park_after=7200)
    recorded = start()
    backend.pass_time(7190)
    (due,) = outbox.lease(1, 30).due
    assert outbox.defer([Failure(due, "first", was_tried)]) == 0
    backend.pass_time(900)
    (due,) = outbox.lease(1, 30).due
    assert outbox.defer([Failure(due, NATS_DOWN, was_tried)]) == 1
    backend.pass_time(90_000)
    assert outbox.lease(1, 30).due == ()
    (parked,) = outbox.parked(10)
    assert (parked.execution_id, parked.last_error) == (recorded.ids.execution_id, NATS_DOWN)
    assert not parked.has_arrived


def test_whoever_held_the_lease_for_too_long_does_not_end_another_s(backend, outbox, start):
    start()
    backend.pass_time(61)
    (due,) = outbox.lease(1, 30).due
    backend.pass_time(31)
    other = backend.outbox()
    assert other.lease(1, 30).due == (due,)
    outbox.defer([Failure(due, NATS_DOWN, was_tried=False)])
    assert backend.outbox().lease(1, 30).due == ()


def test_whoever_wakes_up_late_speaks_of_its_own_message_only(backend, outbox, start):
    start()
    backend.pass_time(61)
    (late,) = outbox.lease(1, 30).due
    backend.pass_time(31)
    other = backend.outbox()
    assert notified(other) == [late.notification.message_id]
    backend.pass_time(301)
    (anew,) = other.lease(1, 30).due
    outbox.acknowledge([late])
    backend.pass_time(31)
    assert sent(backend.outbox()) == [anew.notification.message_id]


def test_what_is_released_is_due_once_more(backend, start):
    outbox = backend.outbox(park_after=7200)
    one, other = start(), start()
    backend.pass_time(7300)
    due = outbox.lease(10, 30).due
    outbox.defer([Failure(one_of, NATS_DOWN, was_tried=True) for one_of in due])
    assert outbox.release([one.ids.execution_id], 10) == 1
    assert sent(outbox) == [one.notification.message_id]
    assert outbox.release(None, 10) == 1
    assert sent(outbox) == [other.notification.message_id]
    assert outbox.release(None, 10) == 0


def test_what_no_worker_claimed_is_released_under_another_message_id(backend, start):
    outbox = backend.outbox(renotify_limit=1)
    first = start().notification.message_id
    backend.pass_time(61)
    for _ in range(2):
        notified(outbox)
        backend.pass_time(601)
    assert outbox.lease(10, 30).parked == 1
    assert outbox.release(None, 10) == 1
    assert sent(outbox) == [f"{first}:2"]


def test_what_was_parked_and_claimed_all_the_same_is_forgotten(backend, start):
    outbox = backend.outbox(renotify_limit=1)
    claimed, unclaimed = start(), start()
    backend.pass_time(61)
    for _ in range(2):
        notified(outbox)
        backend.pass_time(601)
    assert outbox.lease(10, 30).parked == 2
    worker_says(backend, claimed)
    assert outbox.settle_parked(10) == 0
    backend.pass_time(901)
    assert outbox.settle_parked(10) == 1
    assert backend.pending() == [unclaimed.ids.command_id]


def acknowledged_by_its_own_sandbox(backend, entry):
    """Record a start whose row goes with the next one, as most do."""
    store = backend.execution_store()
    first = a_start(store.resolve("own", HELLO, None).ids, entry, "own")
    store.record(first)
    store.acknowledge(first)
    last = a_start(store.resolve("last", HELLO, None).ids, entry, "last")
    store.record(last)
    store.acknowledge(last)
    return first


def test_a_start_that_nobody_claims_is_found_when_it_is_of_age(backend, outbox, start):
    first = acknowledged_by_its_own_sandbox(backend, start().catalog_id)
    assert first.ids.command_id not in backend.pending()
    backend.pass_time(290)
    assert first.ids.command_id not in looked(outbox)
    backend.pass_time(20)
    assert first.ids.command_id in looked(outbox)
    assert f"{first.notification.message_id}:1" in sent(outbox)


def test_each_start_is_looked_at_once(backend, outbox, start):
    acknowledged_by_its_own_sandbox(backend, start().catalog_id)
    backend.pass_time(301)
    assert len(looked(outbox)) == 3
    assert looked(outbox) == []


def test_the_look_goes_on_where_it_ended(backend, outbox, start):
    started = [start().ids.command_id for _ in range(5)]
    backend.pass_time(301)
    found = [looked(outbox, most=2) for _ in range(4)]
    assert found == [started[:2], started[2:4], started[4:], []]


def test_a_look_tells_whether_there_is_more(backend, outbox, start):
    start()
    start()
    backend.pass_time(301)
    assert outbox.look(2).has_more
    assert not outbox.look(3).has_more


def test_a_start_that_was_claimed_is_not_found(backend, outbox, start):
    worker_says(backend, start())
    backend.pass_time(301)
    assert looked(outbox) == []


def test_a_look_tells_all_that_a_notification_is_made_of(backend, outbox, start):
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    ids = start(trace=Json(trace), execution_pool="gpu", step="start").ids
    backend.pass_time(301)
    (command,) = outbox.look(10).unclaimed
    assert command.command_id == ids.command_id
    assert command.issued.id == f"{ids.execution_id}:start:{ids.issued_event_id}"
    assert command.execution_pool == "gpu"
    assert command.playbook_path == "examples/hello"
    assert command.traceparent == trace["traceparent"]


def test_of_two_looks_at_once_one_is_enough(backend, outbox, start):
    acknowledged_by_its_own_sandbox(backend, start().catalog_id)
    backend.pass_time(301)
    one, other = outbox.look(10), backend.outbox().look(10)
    first = [Notification("s", command.issued.id, "{}") for command in one.unclaimed]
    assert outbox.renew(one, first) == 1
    assert backend.outbox().renew(other, first) == 0


def test_a_row_that_still_waits_is_not_renewed(backend, outbox, start):
    first = start().notification.message_id
    backend.pass_time(301)
    assert len(looked(outbox)) == 1
    assert sent(outbox) == [first]


def test_the_state_counts_what_should_have_been_sent(backend, outbox, start):
    start()
    assert outbox.state() == OutboxState(0, 0, 0)
    backend.pass_time(100)
    state = outbox.state()
    assert (state.depth, state.parked) == (1, 0)
    assert state.age == pytest.approx(100, abs=5)
    notified(outbox)
    assert outbox.state() == OutboxState(0, 0, 0)


def test_what_failed_counts_although_it_is_not_due_at_the_moment(backend, outbox, start):
    start()
    backend.pass_time(61)
    (due,) = outbox.lease(1, 30).due
    outbox.defer([Failure(due, NATS_DOWN, was_tried=True)])
    assert outbox.state().depth == 1


def test_what_is_parked_is_counted_apart(backend, start):
    outbox = backend.outbox(park_after=3600)
    start()
    backend.pass_time(3601)
    (due,) = outbox.lease(1, 30).due
    outbox.defer([Failure(due, NATS_DOWN, was_tried=True)])
    assert outbox.state() == OutboxState(0, 0, 1)


def test_keys_that_have_expired_are_removed_in_steps_and_no_others(backend, outbox, start):
    for _ in range(3):
        start()
    backend.pass_time(15 * 86_400)
    young = start().key
    looked(outbox)
    assert [outbox.remove_expired_keys(2) for _ in range(3)] == [2, 1, 0]
    assert backend.keys() == [young]


def test_a_start_that_was_not_looked_at_keeps_its_key(backend, outbox, start):
    start()
    backend.pass_time(15 * 86_400)
    assert outbox.remove_expired_keys(10) == 0
    looked(outbox)
    assert outbox.remove_expired_keys(10) == 1
