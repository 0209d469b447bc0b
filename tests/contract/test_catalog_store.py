"""What any `CatalogStore` does, in memory or on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from control_plane.catalog.ports import NewCatalogEntry
from control_plane.errors import CatalogVersionsExhausted
from control_plane.json_text import Json
from control_plane.ports import CatalogReference


def a_playbook(path="examples/hello", content="kind: Playbook\n"):
    return NewCatalogEntry(path, "playbook", content, Json({"kind": "Playbook"}), Json({"n": 1}))


def test_versions_of_a_path_count_up_from_one(backend):
    store = backend.catalog_store()
    stored = [store.register(a_playbook()) for _ in range(3)]
    assert [entry.version for entry in stored] == [1, 2, 3]
    assert len({entry.catalog_id for entry in stored}) == 3


def test_each_path_has_versions_of_its_own(backend):
    store = backend.catalog_store()
    store.register(a_playbook("examples/one"))
    assert store.register(a_playbook("examples/two")).version == 1


def test_a_version_follows_the_highest_one_whoever_made_it(backend):
    backend.add_entry("examples/hello", 41, "kind: Playbook", None)
    assert backend.catalog_store().register(a_playbook()).version == 42


def test_what_was_registered_can_be_started(backend):
    stored = backend.catalog_store().register(a_playbook(content="name: ünï\n"))
    found = backend.execution_store().resolve("k", CatalogReference(None, "examples/hello"), None)
    assert found.entry.catalog_id == stored.catalog_id
    assert found.entry.document == "name: ünï\n"


def test_fifty_at_once_get_fifty_versions(backend):
    stores = [backend.catalog_store() for _ in range(50)]
    with ThreadPoolExecutor(50) as threads:
        stored = list(threads.map(lambda store: store.register(a_playbook()), stores))
    assert sorted(entry.version for entry in stored) == list(range(1, 51))


def test_a_path_at_the_last_version_takes_no_more(backend):
    backend.add_entry("examples/hello", 32_766, "kind: Playbook", None)
    store = backend.catalog_store()
    assert store.register(a_playbook()).version == 32_767
    with pytest.raises(CatalogVersionsExhausted):
        store.register(a_playbook())


def listed(store, limit=100, most_bytes=1_000_000, kind=None, below=None):
    return store.page(kind, limit, most_bytes, below)


def test_entries_come_newest_first_as_they_were_registered(backend):
    store = backend.catalog_store()
    stored = [store.register(a_playbook(content=f"n: {n}\n")) for n in range(3)]
    page = listed(store)
    assert [e.catalog_id for e in page.entries] == [e.catalog_id for e in reversed(stored)]
    newest = page.entries[0]
    assert (newest.path, newest.version, newest.kind) == ("examples/hello", 3, "playbook")
    assert (newest.content, newest.payload, newest.meta) == (
        "n: 2\n",
        {"kind": "Playbook"},
        {"n": 1},
    )
    assert (newest.layout, page.has_more) == (None, False)


def test_pages_of_entries_follow_each_other(backend):
    store = backend.catalog_store()
    for _ in range(5):
        store.register(a_playbook())
    first = listed(store, limit=2)
    second = listed(store, limit=2, below=first.entries[-1].catalog_id)
    last = listed(store, limit=2, below=second.entries[-1].catalog_id)
    versions = [[e.version for e in page.entries] for page in (first, second, last)]
    assert versions == [[5, 4], [3, 2], [1]]
    assert [page.has_more for page in (first, second, last)] == [True, True, False]


def test_entries_are_as_many_as_fit_and_at_least_one(backend):
    store = backend.catalog_store()
    for _ in range(3):
        store.register(a_playbook(content="x" * 2000))
    page = listed(store, most_bytes=6000)
    assert ([e.version for e in page.entries], page.has_more) == ([3, 2], True)
    (alone,) = listed(store, most_bytes=1000).entries
    assert (len(alone.content), alone.payload) == (2000, None)


def test_a_kind_is_listed_alone(backend):
    store = backend.catalog_store()
    store.register(a_playbook())
    agent = NewCatalogEntry("examples/agent", "agent", "a: 1", Json({}), Json({}))
    store.register(agent)
    assert [e.path for e in listed(store, kind="agent").entries] == ["examples/agent"]
    assert listed(store, kind="credential").entries == ()


def test_an_entry_is_found_by_its_id_or_by_its_path_and_version(backend):
    store = backend.catalog_store()
    first, second = store.register(a_playbook()), store.register(a_playbook())
    assert store.find(None, "examples/hello", None).catalog_id == second.catalog_id
    assert store.find(None, "examples/hello", 1).catalog_id == first.catalog_id
    assert store.find(first.catalog_id, "examples/other", 7).version == 1


def test_an_entry_that_is_not_there_is_none(backend):
    store = backend.catalog_store()
    store.register(a_playbook())
    assert store.find(7, None, None) is None
    assert store.find(None, "examples/hello", 2) is None
    assert store.find(None, "examples/none", None) is None
