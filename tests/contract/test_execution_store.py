"""What any `ExecutionStore` does, in memory or on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from control_plane.errors import CatalogEntryNotFound
from control_plane.json_text import Json
from control_plane.ports import CatalogReference, KnownStart
from tests.contract.fake_store import a_start

HELLO = CatalogReference(None, "examples/hello")


@pytest.fixture
def store(backend):
    return backend.execution_store()


@pytest.fixture
def entry(backend):
    return backend.add_entry("examples/hello", 1, "kind: Playbook", None)


def fresh_ids(store):
    return store.resolve("http:anonymous:unused", HELLO, None).ids


def recorded(store, entry, key="http:anonymous:a", **changes):
    start = a_start(fresh_ids(store), entry, key, **changes)
    assert store.record(start) is None
    return start


def test_a_path_means_its_highest_version(backend, store):
    backend.add_entry("examples/hello", 9, "version: nine", None)
    newest = backend.add_entry("examples/hello", 10, "version: ten", None)
    backend.add_entry("examples/hello", 2, "version: two", None)
    found = store.resolve("http:anonymous:a", HELLO, None).entry
    assert (found.catalog_id, found.path, found.version) == (newest, "examples/hello", 10)
    assert found.document == "version: ten"


def test_a_catalog_id_wins_over_a_path(backend, store):
    old = backend.add_entry("examples/hello", 1, "version: one", None)
    backend.add_entry("examples/hello", 2, "version: two", None)
    found = store.resolve("http:anonymous:a", CatalogReference(old, "examples/hello"), None).entry
    assert found.catalog_id == old


def test_what_is_to_be_done_meanwhile_is_done_once(store, entry):
    done = []
    found = store.resolve("http:anonymous:a", HELLO, None, meanwhile=lambda: done.append("looking"))
    assert (found.entry.catalog_id, done) == (entry, ["looking"])
    start = a_start(found.ids, entry, "http:anonymous:a")
    assert store.record(start, meanwhile=lambda: done.append("writing")) is None
    assert done == ["looking", "writing"]


@pytest.mark.parametrize("reference", [CatalogReference(7, None), CatalogReference(None, "none")])
def test_an_unknown_entry_is_none_beside_fresh_ids(store, entry, reference):
    found = store.resolve("http:anonymous:a", reference, None)
    assert (found.known, found.entry) == (None, None)
    assert found.ids is not None


@pytest.mark.parametrize("content", ["", None])
def test_without_text_the_document_is_the_parsed_one(backend, store, content):
    backend.add_entry("examples/hello", 1, content, {"kind": "Playbook", "n": 1})
    assert store.resolve("k", HELLO, None).entry.document == {"kind": "Playbook", "n": 1}


def test_an_entry_may_hold_no_document_at_all(backend, store):
    bare = backend.add_entry("examples/hello", 1, None, None)
    found = store.resolve("k", HELLO, None).entry
    assert (found.catalog_id, found.document) == (bare, None)


def test_a_document_that_the_caller_holds_is_not_sent(store, entry):
    found = store.resolve("k", HELLO, held=entry).entry
    assert (found.catalog_id, found.version, found.document) == (entry, 1, None)


def test_the_document_of_a_newer_version_than_the_held_one_is_sent(backend, store, entry):
    newer = backend.add_entry("examples/hello", 2, "version: two", None)
    found = store.resolve("k", HELLO, held=entry).entry
    assert (found.catalog_id, found.document) == (newer, "version: two")


def test_ids_ascend_and_never_repeat(store):
    # More than the 1,024 after which the sequence inside an id begins anew.
    drawn = [fresh_ids(store) for _ in range(300)]
    flat = [(i.execution_id, i.started_event_id, i.issued_event_id, i.command_id) for i in drawn]
    assert all(list(four) == sorted(four) for four in flat)
    assert len({one for four in flat for one in four}) == 1200


def test_a_recorded_key_is_known_and_nothing_else_is_told(store, entry):
    start = recorded(store, entry)
    found = store.resolve(start.key, HELLO, None)
    assert found.known == KnownStart(start.fingerprint, start.answer.value)
    assert (found.entry, found.ids) == (None, None)


def test_a_known_key_tells_its_start_and_writes_nothing(backend, store, entry):
    first = recorded(store, entry)
    second = a_start(fresh_ids(store), entry, first.key, fingerprint=b"another request")
    assert store.record(second) == KnownStart(first.fingerprint, first.answer.value)
    assert backend.started() == [first.ids.execution_id]
    assert backend.pending() == [first.ids.command_id]


def test_the_same_start_may_be_recorded_again(backend, store, entry):
    start = recorded(store, entry)
    assert store.record(start) is None
    assert backend.started() == [start.ids.execution_id]


def test_different_keys_are_different_starts(backend, store, entry):
    for key in ("http:alice:a", "http:bob:a"):
        recorded(store, entry, key)
    assert len(backend.started()) == 2


def test_an_expired_key_starts_anew(backend, store, entry):
    first = recorded(store, entry)
    backend.expire(first.key)
    assert store.resolve(first.key, HELLO, None).known is None
    second = recorded(store, entry, first.key, fingerprint=b"another request")
    known = store.resolve(first.key, HELLO, None).known
    assert known == KnownStart(b"another request", second.answer.value)


def test_fifty_at_once_under_one_key_are_one_start(backend, entry):
    stores = [backend.execution_store() for _ in range(50)]
    starts = [a_start(fresh_ids(store), entry) for store in stores]
    with ThreadPoolExecutor(50) as threads:
        told = list(threads.map(lambda store, start: store.record(start), stores, starts))
    (winner,) = [start for start, known in zip(starts, told, strict=True) if known is None]
    others = [known for known in told if known is not None]
    assert others == [KnownStart(winner.fingerprint, winner.answer.value)] * 49
    assert backend.started() == [winner.ids.execution_id]


def test_a_start_that_cannot_be_recorded_leaves_nothing(backend, store, entry):
    start = a_start(fresh_ids(store), catalog_id=7)
    with pytest.raises(CatalogEntryNotFound):
        store.record(start)
    assert (backend.started(), backend.pending()) == ([], [])
    assert store.resolve(start.key, HELLO, None).known is None


def test_an_acknowledged_notification_goes_with_the_next_start(backend, store, entry):
    first = recorded(store, entry, "http:anonymous:1")
    second = recorded(store, entry, "http:anonymous:2")
    store.acknowledge(first)
    assert backend.pending() == [first.ids.command_id, second.ids.command_id]
    third = recorded(store, entry, "http:anonymous:3")
    assert backend.pending() == [second.ids.command_id, third.ids.command_id]


def test_an_acknowledgement_outlives_a_start_that_fails(backend, store, entry):
    first = recorded(store, entry, "http:anonymous:1")
    store.acknowledge(first)
    with pytest.raises(CatalogEntryNotFound):
        store.record(a_start(fresh_ids(store), catalog_id=7, key="http:anonymous:2"))
    assert backend.pending() == [first.ids.command_id]
    third = recorded(store, entry, "http:anonymous:3")
    assert backend.pending() == [third.ids.command_id]


def test_an_acknowledgement_goes_with_a_replay_too(backend, store, entry):
    first = recorded(store, entry)
    store.acknowledge(first)
    assert store.record(a_start(fresh_ids(store), entry, first.key)) is not None
    assert backend.pending() == []


def test_the_answer_comes_back_as_it_was_recorded(store, entry):
    answer = {"execution_id": "1", "ü": [None, True, 1.5, 2**63], "nested": {"a": {}}}
    start = recorded(store, entry, answer=Json(answer))
    again = a_start(fresh_ids(store), entry)._replace(answer=Json({}))
    assert store.record(again) == KnownStart(start.fingerprint, answer)
