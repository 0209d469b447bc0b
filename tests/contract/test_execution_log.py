"""What any `ExecutionLog` does, in memory or on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from control_plane.monitor.execution_log import Cancelled, ExecutionFilter, Position
from control_plane.monitor.execution_status import Event, Status, progress_of
from control_plane.ports import CatalogReference
from tests.contract.fake_store import a_start

NOON = datetime(2026, 10, 28, 12)
EVERYTHING = ExecutionFilter()
HELLO = CatalogReference(None, "examples/hello")


@pytest.fixture
def log(backend):
    return backend.execution_log()


@pytest.fixture
def entry(backend):
    return backend.add_entry("examples/hello", 1, "kind: Playbook", None)


@pytest.fixture
def add(backend, entry):
    """Append an execution: the n-th started n seconds after noon, with events of its own."""

    def append(n, *events, start="playbook_started", catalog_id=None, parent=None, **columns):
        execution_id = n * 100
        catalog_id = catalog_id or entry
        at = NOON + timedelta(seconds=n)
        backend.append(
            execution_id,
            execution_id + 1,
            start,
            created_at=at,
            catalog_id=catalog_id,
            parent_execution_id=parent,
            **columns,
        )
        for place, event_type in enumerate(events, start=2):
            backend.append(
                execution_id,
                execution_id + place,
                event_type,
                created_at=at + timedelta(milliseconds=place),
                catalog_id=catalog_id,
                node_name="start",
            )
        return execution_id

    return append


def ids(page):
    return [execution.execution_id for execution in page.executions]


def all_pages(log, wanted, limit):
    """Follow the cursor to the end; return each page's ids."""
    pages, after = [], None
    while not pages or after:
        page = log.page(wanted, limit, after=after)
        pages.append(ids(page))
        after = page.end
        assert len(pages) < 100
    return pages


def test_an_empty_log_is_an_empty_page(log):
    page = log.page(EVERYTHING, 50)
    assert (page.executions, page.end) == ((), None)


def test_executions_come_newest_first_with_what_is_known_of_them(log, add, entry):
    add(1, "command.issued", "playbook_completed")
    add(2)
    newest, oldest = log.page(EVERYTHING, 50).executions
    assert (newest.execution_id, newest.status, newest.ending) == (200, Status.RUNNING, None)
    assert (oldest.catalog_id, oldest.path, oldest.event_count) == (entry, "examples/hello", 3)
    assert oldest.started_at == NOON + timedelta(seconds=1)
    assert oldest.status is Status.COMPLETED
    assert oldest.ending.created_at == NOON + timedelta(seconds=1, milliseconds=3)


def test_executions_that_another_server_started_are_there_too(log, add):
    add(1, "playbook.completed", start="playbook.initialized")
    (execution,) = log.page(EVERYTHING, 50).executions
    assert (execution.execution_id, execution.status) == (100, Status.COMPLETED)
    assert log.find(100).summary == execution


def test_an_execution_that_began_twice_is_listed_once(log, add):
    add(1, "playbook.initialized")
    add(2)
    assert all_pages(log, EVERYTHING, 1) == [[200], [100]]


def test_what_started_at_the_same_time_is_ordered_by_id(log, backend, entry):
    for execution_id in (3, 1, 2):
        backend.append(execution_id, 1, "playbook_started", created_at=NOON, catalog_id=entry)
    assert all_pages(log, EVERYTHING, 2) == [[3, 2], [1]]


def test_pages_follow_each_other_without_a_gap(log, add):
    for n in range(1, 8):
        add(n)
    assert all_pages(log, EVERYTHING, 3) == [[700, 600, 500], [400, 300, 200], [100]]


def test_a_cursor_stays_right_while_executions_arrive(log, add):
    for n in range(1, 5):
        add(n)
    first = log.page(EVERYTHING, 2)
    add(5)
    assert ids(first) == [400, 300]
    assert ids(log.page(EVERYTHING, 2, after=first.end)) == [200, 100]


def test_an_offset_leaves_out_the_newest(log, add):
    for n in range(1, 6):
        add(n)
    assert ids(log.page(EVERYTHING, 2, offset=3)) == [200, 100]
    assert ids(log.page(EVERYTHING, 2, offset=9)) == []
    assert log.page(EVERYTHING, 2, offset=1).end == Position(NOON + timedelta(seconds=3), 300)


def test_a_path_means_all_its_versions(log, add, backend):
    second = backend.add_entry("examples/hello", 2, "kind: Playbook", None)
    other = backend.add_entry("examples/other", 1, "kind: Playbook", None)
    add(1)
    add(2, catalog_id=second)
    add(3, catalog_id=other)
    add(4)
    assert all_pages(log, ExecutionFilter(path="examples/hello"), 2) == [[400, 200], [100]]
    assert all_pages(log, ExecutionFilter(catalog_id=second), 2) == [[200]]
    assert all_pages(log, ExecutionFilter(path="examples/other", catalog_id=second), 2) == [[]]
    assert all_pages(log, ExecutionFilter(path="examples/none"), 2) == [[]]


def test_children_are_found_by_their_parent(log, add):
    parent = add(1)
    add(2, parent=parent)
    add(3)
    add(4, parent=parent)
    assert all_pages(log, ExecutionFilter(parent_execution_id=parent), 1) == [[400], [200]]


def test_times_are_exclusive(log, add):
    for n in range(1, 6):
        add(n)
    second, fifth = NOON + timedelta(seconds=2), NOON + timedelta(seconds=5)
    wanted = ExecutionFilter(started_after=second, started_before=fifth)
    assert all_pages(log, wanted, 1) == [[400], [300]]


@pytest.mark.parametrize(
    ("status", "found"),
    [("RUNNING", [500, 100]), ("COMPLETED", [200]), ("FAILED", [300]), ("CANCELLED", [600, 400])],
)
def test_a_status_is_that_of_the_first_terminal_event(log, add, status, found):
    add(1, "command.failed")
    add(2, "playbook.completed", "playbook_failed")
    add(3, "playbook_failed", "execution.cancelled")
    add(4, "playbook_cancelled", "playbook_completed")
    add(5, "step.exit")
    add(6, "execution.cancelled")
    pages = all_pages(log, ExecutionFilter(status=Status[status]), 1)
    assert [one for page in pages for one in page] == found


def test_a_page_of_a_status_ends_where_enough_was_read_and_goes_on_there(backend, add):
    log = backend.execution_log(most_read=3)
    for n in range(1, 9):
        add(n, *(["playbook_failed"] if n in {1, 2, 7} else []))
    failed = ExecutionFilter(status=Status.FAILED)
    assert all_pages(log, failed, 5) == [[700], [], [200, 100]]
    assert ids(log.page(failed, 5, offset=1)) == []
    assert log.page(failed, 5, offset=1).end == Position(NOON + timedelta(seconds=6), 600)


def test_a_status_of_one_playbook_is_found_among_its_executions_alone(backend, add):
    log = backend.execution_log(most_read=3)
    other = backend.add_entry("examples/other", 1, "kind: Playbook", None)
    add(1, "playbook_failed", catalog_id=other)
    for n in range(2, 9):
        add(n)
    wanted = ExecutionFilter(path="examples/other", status=Status.FAILED)
    assert ids(log.page(wanted, 5)) == [100]


def test_an_execution_is_shown_with_what_it_was_started_with(log, add):
    workload = {"name": "Ada", "ü": [1, None]}
    add(1, parent=7, context={"workload": workload}, meta={"execution_pool": "gpu"})
    record = log.find(100)
    assert (record.workload, record.execution_pool) == (workload, "gpu")
    assert (record.parent_execution_id, record.summary.path) == (7, "examples/hello")


def test_an_unknown_execution_is_none(log, add):
    add(1)
    assert log.find(999) is None
    assert log.cancel(999, None, cascade=True) is None
    assert log.events(999, 0, 10, 10_000).events == ()


def test_an_execution_whose_start_is_not_in_the_log_is_shown_all_the_same(log, backend, entry):
    for event_id in (2, 1):
        backend.append(9, event_id, "command.issued", created_at=NOON, catalog_id=entry)
    record = log.find(9)
    assert (record.summary.path, record.summary.event_count) == ("examples/hello", 2)
    assert (record.workload, record.summary.started_at) == (None, NOON)


def test_the_reason_of_an_end_is_its_error(log, add, backend, entry):
    add(1)
    backend.append(100, 150, "playbook.failed", catalog_id=entry, error="step two broke")
    assert log.find(100).summary.ending.reason == "step two broke"


def test_events_come_by_ascending_id(log, backend, entry):
    for event_id in (5, 3, 9, 1):
        backend.append(7, event_id, "step.enter", catalog_id=entry, node_name=f"s{event_id}")
    first = log.events(7, 0, 3, 10_000)
    assert ([e.event_id for e in first.events], first.has_more) == ([1, 3, 5], True)
    rest = log.events(7, 5, 3, 10_000)
    assert ([e.node_name for e in rest.events], rest.has_more) == (["s9"], False)


def test_an_event_holds_its_result_and_its_error(log, backend, entry):
    result = {"status": "COMPLETED", "context": {"rows": 3}}
    columns = {"result": result, "error": "none", "status": "COMPLETED", "node_name": "start"}
    backend.append(7, 1, "step.exit", catalog_id=entry, created_at=NOON, **columns)
    (event,) = log.events(7, 0, 10, 10_000).events
    assert (event.event_type, event.created_at) == ("step.exit", NOON)
    assert {name: getattr(event, name) for name in columns} == columns


def test_events_are_as_many_as_fit_and_at_least_one(log, backend, entry):
    for event_id in (1, 2, 3):
        result = {"status": "COMPLETED", "context": {"text": "x" * 2000}}
        backend.append(7, event_id, "step.exit", catalog_id=entry, result=result)
    two = log.events(7, 0, 10, 5000)
    assert ([e.event_id for e in two.events], two.has_more) == ([1, 2], True)
    one = log.events(7, 2, 10, 1000)
    assert ([e.result for e in one.events], one.has_more) == ([{"status": "COMPLETED"}], False)


def test_the_newest_event_of_each_step_is_there(log, backend, entry):
    told = [
        ("start", "command.issued"),
        ("start", "command.completed"),
        ("second", "step.enter"),
        (None, "playbook.completed"),
    ]
    for event_id, (step, event_type) in enumerate(told, start=1):
        backend.append(7, event_id, event_type, catalog_id=entry, node_name=step, status="X")
    events = log.step_events(7)
    assert {Event(2, "command.completed", "start", "X"), Event(3, "step.enter", "second", "X")} <= {
        *events
    }
    assert progress_of(events).completed == ("start",)


def test_a_cancel_appends_both_events_after_all_others(log, add):
    add(1, "command.issued")
    assert log.cancel(100, "enough", cascade=False) == Cancelled(Status.RUNNING, (100,))
    *_, first, second = log.events(100, 0, 10, 10_000).events
    assert (first.event_type, second.event_type) == ("playbook_cancelled", "execution.cancelled")
    assert first.result == {"status": "CANCELLED", "context": {"reason": "enough"}}
    assert log.find(100).summary.status is Status.CANCELLED
    assert log.find(100).summary.ending.reason == "enough"


def test_a_second_cancel_appends_nothing(log, add):
    add(1)
    log.cancel(100, None, cascade=False)
    assert log.cancel(100, None, cascade=False) == Cancelled(Status.CANCELLED, ())
    assert log.find(100).summary.event_count == 3


@pytest.mark.parametrize(
    ("ending", "status"),
    [("playbook_completed", Status.COMPLETED), ("playbook.failed", Status.FAILED)],
)
def test_what_has_ended_stays_as_it_is_and_so_do_its_children(log, add, ending, status):
    parent = add(1, ending)
    add(2, parent=parent)
    assert log.cancel(parent, None, cascade=True) == Cancelled(status, ())
    assert log.find(200).summary.status is Status.RUNNING


def test_without_cascade_children_go_on(log, add):
    parent = add(1)
    add(2, parent=parent)
    assert log.cancel(parent, None, cascade=False).executions == (100,)
    assert log.find(200).summary.status is Status.RUNNING


def test_a_cascade_reaches_any_depth_through_what_has_ended(log, add):
    add(1)
    add(2, "playbook_completed", parent=100)
    add(3, parent=200)
    add(4, parent=300)
    add(5)
    assert log.cancel(100, None, cascade=True).executions == (100, 300, 400)
    assert log.find(200).summary.status is Status.COMPLETED
    assert log.find(500).summary.status is Status.RUNNING


def test_a_cascade_from_a_cancelled_execution_takes_the_children_that_run(log, add):
    parent = add(1)
    add(2, parent=parent)
    log.cancel(parent, None, cascade=False)
    assert log.cancel(parent, None, cascade=True) == Cancelled(Status.CANCELLED, (200,))


def test_an_execution_among_its_own_ancestors_is_cancelled_once(log, add):
    add(1, parent=300)
    add(2, parent=100)
    add(3, parent=200)
    add(4, parent=400)
    assert log.cancel(200, None, cascade=True).executions == (100, 200, 300)
    assert log.cancel(400, None, cascade=True).executions == (400,)
    assert log.find(100).summary.event_count == 3


def test_twenty_cancels_at_once_append_once(backend, add):
    parent = add(1)
    for n in range(2, 6):
        add(n, parent=parent)
    logs = [backend.execution_log() for _ in range(20)]
    with ThreadPoolExecutor(20) as threads:
        done = list(threads.map(lambda log: log.cancel(parent, None, cascade=True), logs))
    cancelled = sorted(one for each in done for one in each.executions)
    assert cancelled == [100, 200, 300, 400, 500]
    assert [logs[0].find(one).summary.event_count for one in cancelled] == [3] * 5


def test_a_notification_that_still_waits_goes_with_its_execution(backend, log, entry):
    store = backend.execution_store()
    starts = []
    for key in ("one", "two"):
        fresh = store.resolve(key, HELLO, None).ids
        starts.append(a_start(fresh, entry, key))
        store.record(starts[-1])
    first, second = starts
    assert log.cancel(first.ids.execution_id, None, cascade=False).executions
    assert backend.pending() == [second.ids.command_id]


def test_a_start_is_listed_as_soon_as_it_is_recorded(backend, log, entry):
    store = backend.execution_store()
    start = a_start(store.resolve("k", HELLO, None).ids, entry, parent_execution_id=5)
    store.record(start)
    (execution,) = log.page(EVERYTHING, 50).executions
    assert (execution.execution_id, execution.event_count) == (start.ids.execution_id, 2)
    assert log.find(execution.execution_id).workload == start.workload.value
