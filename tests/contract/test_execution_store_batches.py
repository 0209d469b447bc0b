"""What any `ExecutionStore` does with many starts at once, in memory or on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from control_plane.errors import CatalogEntryNotFound
from control_plane.json_text import Json
from control_plane.ports import CatalogReference, KnownStart, Lookup
from tests.contract.fake_store import a_start

HELLO = CatalogReference(None, "examples/hello")


@pytest.fixture
def store(backend):
    return backend.execution_store()


@pytest.fixture
def entry(backend):
    return backend.add_entry("examples/hello", 1, "kind: Playbook", None)


def lookups(*keys, reference=HELLO, held=None):
    return [Lookup(f"sqs:queue:{key}", reference, held) for key in keys]


def starts_of(store, entry, *keys, **changes):
    found = store.resolve_many(lookups(*range(len(keys))))
    return [
        a_start(one.ids, entry, f"sqs:queue:{key}", **changes)
        for one, key in zip(found, keys, strict=True)
    ]


def documents(found):
    return [one.entry.document for one in found]


def test_many_lookups_are_answered_in_their_order(backend, store, entry):
    (known,) = starts_of(store, entry, "known")
    store.record(known)
    other = backend.add_entry("other", 1, "other: 1", None)
    asked = [
        *lookups("a"),
        *lookups("known"),
        *lookups("b", reference=CatalogReference(None, "none")),
        *lookups("c", reference=CatalogReference(other, "examples/hello")),
        *lookups("d"),
    ]
    a, b, c, d, e = store.resolve_many(asked)
    assert (a.entry.catalog_id, d.entry.catalog_id, e.entry.catalog_id) == (entry, other, entry)
    assert (b.known, b.ids) == (KnownStart(known.fingerprint, known.answer.value), None)
    assert (c.known, c.entry) == (None, None)
    assert c.ids is not None
    assert (a.entry.path, a.entry.version, d.entry.document) == ("examples/hello", 1, "other: 1")


def test_a_batch_of_one_is_answered_as_a_single_one_is(store, entry):
    (found,) = store.resolve_many(lookups("a"))
    alone = store.resolve("sqs:queue:a", HELLO, None)
    assert (found.known, found.entry) == (alone.known, alone.entry)


def test_ids_of_a_batch_ascend_in_each_start_and_never_repeat(store, entry):
    found = store.resolve_many(lookups(*range(1000)))
    drawn = [one.ids for one in found]
    flat = [(i.execution_id, i.started_event_id, i.issued_event_id, i.command_id) for i in drawn]
    assert all(list(four) == sorted(four) for four in flat)
    assert len({one for four in flat for one in four}) == 4000


def test_a_path_means_its_highest_version_for_each_of_many(backend, store, entry):
    newest = backend.add_entry("examples/hello", 2, "version: two", None)
    found = store.resolve_many(lookups("a", "b"))
    assert [one.entry.catalog_id for one in found] == [newest] * 2


def test_a_document_comes_once_with_the_first_that_needs_it(store, entry):
    (known,) = starts_of(store, entry, "known")
    store.record(known)
    found = store.resolve_many(lookups("known", "a", "b"))
    assert documents(found[1:]) == ["kind: Playbook", None]


def test_a_document_that_some_hold_comes_for_the_first_that_does_not(backend, store, entry):
    backend.add_entry("json", 1, None, {"kind": "Playbook"})
    asked = [
        *lookups("a", held=entry),
        *lookups("b", "c"),
        *lookups("d", "e", reference=CatalogReference(None, "json")),
    ]
    found = store.resolve_many(asked)
    assert documents(found) == [None, "kind: Playbook", None, {"kind": "Playbook"}, None]


def test_an_answer_ends_before_documents_become_too_large(backend, entry):
    for number in range(4):
        backend.add_entry(f"p{number}", 1, "x" * 100, None)
    asked = [
        Lookup(f"k{n}", CatalogReference(None, f"p{n}"), None) for n in (0, 0, 1, 1, 2, 0, 3, 1)
    ]
    store = backend.execution_store(most_document_bytes=200)
    assert documents(store.resolve_many(asked)) == ["x" * 100, None, "x" * 100, None]
    assert documents(store.resolve_many(asked[4:])) == ["x" * 100, "x" * 100]


def test_the_first_document_comes_whatever_its_size(backend, entry):
    backend.add_entry("large", 1, "x" * 100, None)
    store = backend.execution_store(most_document_bytes=10)
    large = CatalogReference(None, "large")
    asked = [*lookups("a", held=entry), *lookups("b", "c", reference=large), *lookups("d")]
    assert documents(store.resolve_many(asked)) == [None, "x" * 100, None]


def test_many_starts_are_recorded_as_each_alone_would_be(backend, store, entry):
    starts = starts_of(store, entry, "b", "a", "c", workload=Json({"name": 'A"{},\\da'}))
    assert store.record_many(starts) == [None] * 3
    assert sorted(backend.started()) == sorted(start.ids.execution_id for start in starts)
    assert backend.pending() == [start.ids.command_id for start in starts]
    for start in starts:
        known = store.resolve(start.key, HELLO, None).known
        assert known == KnownStart(start.fingerprint, start.answer.value)


def test_a_known_key_among_many_tells_its_start(backend, store, entry):
    first, *others = starts_of(store, entry, "b", "a", "b", "c", fingerprint=b"first")
    store.record(first)
    told = store.record_many(others)
    assert told == [None, KnownStart(b"first", first.answer.value), None]
    assert len(backend.started()) == 3


def test_of_one_key_twice_the_first_is_written(backend, store, entry):
    starts = starts_of(store, entry, "z", "k", "k", "a")
    told = store.record_many(starts)
    assert told == [None, None, KnownStart(starts[1].fingerprint, starts[1].answer.value), None]
    assert len(backend.started()) == len(backend.pending()) == 3


def test_the_same_starts_may_be_recorded_again(backend, store, entry):
    starts = starts_of(store, entry, "a", "b")
    assert store.record_many(starts) == store.record_many(starts) == [None, None]
    assert len(backend.started()) == 2


def test_one_start_that_cannot_be_recorded_leaves_nothing_of_any(backend, store, entry):
    starts = [*starts_of(store, entry, "a"), *starts_of(store, 7, "b")]
    with pytest.raises(CatalogEntryNotFound):
        store.record_many(starts)
    assert (backend.started(), backend.pending()) == ([], [])


def test_acknowledged_notifications_go_with_the_next_batch(backend, store, entry):
    starts = starts_of(store, entry, "a", "b", "c", "d")
    store.record_many(starts[:2])
    for start in starts[:2]:
        store.acknowledge(start)
    store.record_many(starts[2:])
    assert backend.pending() == [start.ids.command_id for start in starts[2:]]


def test_batches_of_the_same_keys_at_once_start_each_key_once(backend, entry):
    stores = [backend.execution_store() for _ in range(8)]
    keys = [f"k{number}" for number in range(20)]
    batches = [
        starts_of(store, entry, *(keys if number % 2 else reversed(keys)))
        for number, store in enumerate(stores)
    ]
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda store, starts: store.record_many(starts), stores, batches))
    winners = [
        start.key
        for starts, answers in zip(batches, told, strict=True)
        for start, known in zip(starts, answers, strict=True)
        if known is None
    ]
    assert sorted(winners) == sorted(f"sqs:queue:{key}" for key in keys)
    assert len(backend.started()) == 20
