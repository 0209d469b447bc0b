"""What any `CatalogStore` does, in memory or on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from control_plane.errors import CatalogVersionsExhausted
from control_plane.json_text import Json
from control_plane.ports import CatalogReference, NewCatalogEntry


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
