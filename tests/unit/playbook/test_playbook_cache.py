from __future__ import annotations

import pytest

from control_plane.errors import InvalidPlaybook, PlaybookContentMissing
from control_plane.limits import Limits
from control_plane.playbook.cache import PlaybookCache
from control_plane.ports import CatalogEntry, CatalogReference
from tests.unit.playbook.documents import MINIMAL

SIZE = len(MINIMAL)


def cache(playbooks: int) -> PlaybookCache:
    return PlaybookCache(Limits(), playbooks * SIZE)


def entry(catalog_id: int, path: str = "p", version: int = 1, document: str | None = MINIMAL):
    return CatalogEntry(catalog_id, path, version, document)


def by_id(catalog_id: int) -> CatalogReference:
    return CatalogReference(catalog_id, None)


def by_path(path: str) -> CatalogReference:
    return CatalogReference(None, path)


def test_a_playbook_is_parsed_once_and_needs_no_document_then():
    playbooks = cache(2)
    first = playbooks.playbook(entry(1))
    assert playbooks.held(by_id(1)) == 1
    assert playbooks.playbook(entry(1, document=None)) is first


def test_what_is_kept_can_be_had_by_its_id():
    playbooks = cache(1)
    first = playbooks.playbook(entry(1))
    assert (playbooks.kept(1), playbooks.kept(2)) == (first, None)


def test_nothing_is_held_before_it_was_seen():
    playbooks = cache(2)
    playbooks.playbook(entry(1, "p"))
    assert playbooks.held(by_id(2)) is None
    assert playbooks.held(by_path("q")) is None


def test_a_path_stands_for_its_highest_version_seen():
    playbooks = cache(3)
    for catalog_id, version in ((11, 1), (13, 3), (12, 2)):
        playbooks.playbook(entry(catalog_id, "p", version))
    assert playbooks.held(by_path("p")) == 13


def test_an_id_wins_over_a_path():
    playbooks = cache(2)
    playbooks.playbook(entry(1, "p"))
    assert playbooks.held(CatalogReference(2, "p")) is None


def test_the_playbook_used_longest_ago_makes_room():
    playbooks = cache(2)
    playbooks.playbook(entry(1, "a"))
    playbooks.playbook(entry(2, "b"))
    playbooks.playbook(entry(1, "a", document=None))
    playbooks.playbook(entry(3, "c"))
    assert [playbooks.held(by_path(path)) for path in "abc"] == [1, None, 3]
    with pytest.raises(PlaybookContentMissing):
        playbooks.playbook(entry(2, "b", document=None))


def test_dropping_an_old_version_leaves_the_new_one_held():
    playbooks = cache(1)
    playbooks.playbook(entry(1, "p", 1))
    playbooks.playbook(entry(2, "p", 2))
    assert playbooks.held(by_path("p")) == 2


@pytest.mark.parametrize("bytes_", [0, SIZE - 1])
def test_a_cache_too_small_for_a_playbook_still_loads_it(bytes_):
    playbooks = PlaybookCache(Limits(), bytes_)
    assert playbooks.playbook(entry(1)).name == "minimal"
    assert playbooks.held(by_id(1)) is None
    assert playbooks.held(by_path("p")) is None


def test_an_entry_without_a_document_is_told_by_its_id():
    with pytest.raises(PlaybookContentMissing) as caught:
        cache(1).playbook(entry(7, document=None))
    assert caught.value.message == "No playbook content found for catalog_id: 7"


def test_an_invalid_playbook_is_not_kept():
    playbooks = cache(1)
    for _ in range(2):
        with pytest.raises(InvalidPlaybook):
            playbooks.playbook(entry(1, document="kind: Other"))
    assert playbooks.held(by_id(1)) is None
