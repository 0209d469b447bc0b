from __future__ import annotations

import base64
import json

import pytest

from control_plane.api import ControlPlaneApi, ok
from control_plane.catalog.batch import BatchRegistrar, BatchRequest
from control_plane.catalog.entries import CatalogReader, ListRequest, ResourceRequest
from control_plane.catalog.registration import Registrar
from control_plane.errors import (
    CatalogEntryNotFound,
    InvalidRequest,
    PlaybookNotFound,
    StoreUnavailable,
)
from control_plane.requests import read_model
from tests.contract.fake_store import FakeBackend
from tests.unit.control_plane import LIMITS, PATH, PLAYBOOK, Context, event


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture
def read(backend):
    reader = CatalogReader(backend.catalog_store())
    return lambda **body: reader.list(read_model(ListRequest, body))


@pytest.fixture
def find(backend):
    reader = CatalogReader(backend.catalog_store())
    return lambda **body: reader.find(read_model(ResourceRequest, body))


@pytest.fixture
def batch(backend):
    registrar = BatchRegistrar(Registrar(backend.catalog_store(), LIMITS))

    def call(*items, **how):
        return registrar.register(read_model(BatchRequest, {"items": list(items)}), **how)

    return call


def test_ten_thousand_versions_are_walked_through_a_hundred_at_a_time(backend, read):
    for version in range(1, 10_001):
        backend.add_entry(PATH, version, "kind: Playbook", None)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = read(resource_type="Playbook", limit=1000, cursor=cursor)
        seen += [entry["version"] for entry in page["entries"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (pages, seen) == (100, list(range(10_000, 0, -1)))


def test_an_entry_has_exactly_these_members(backend, find):
    catalog_id = backend.add_entry(PATH, 1, "a: 1", {"a": 1})
    entry = find(catalog_id=str(catalog_id))
    assert entry.pop("created_at").endswith("Z")
    assert entry == {
        "catalog_id": str(catalog_id),
        "path": PATH,
        "kind": "playbook",
        "version": 1,
        "content": "a: 1",
        "layout": None,
        "payload": {"a": 1},
        "meta": None,
    }


def test_a_page_is_no_larger_than_an_answer_may_be(backend, read):
    for version in range(1, 8):
        backend.add_entry(PATH, version, '"' * 900_000, None)
    page = read()
    assert len(json.dumps(json.dumps(page))) < 6_000_000
    assert [entry["version"] for entry in page["entries"]] == [7]
    assert page["next_cursor"]


@pytest.mark.parametrize("kind", [None, "Playbook", "PLAYBOOK", "playbook"])
def test_a_kind_is_read_in_any_case(backend, read, kind):
    backend.add_entry(PATH, 1, "a: 1", None)
    assert len(read(resource_type=kind)["entries"]) == 1
    assert read(resource_type="Credential") == {"entries": [], "next_cursor": None}


@pytest.mark.parametrize("body", [{"cursor": "abc"}, {"limit": 0}, {"limit": True}, {"limit": "5"}])
def test_a_list_of_another_shape_is_refused(read, body):
    with pytest.raises(InvalidRequest):
        read(**body)


def test_a_cursor_goes_with_its_kind_alone(backend, read):
    for version in (1, 2):
        backend.add_entry(PATH, version, "a: 1", None)
    cursor = read(limit=1)["next_cursor"]
    assert len(read(limit=1, cursor=cursor)["entries"]) == 1
    with pytest.raises(InvalidRequest, match="cursor"):
        read(limit=1, cursor=cursor, resource_type="Playbook")


@pytest.mark.parametrize(("version", "found"), [(None, 3), ("latest", 3), (2, 2), ("2", 2)])
def test_a_version_is_a_number_or_the_latest(backend, find, version, found):
    for number in (1, 2, 3):
        backend.add_entry(PATH, number, "a: 1", None)
    assert find(path=PATH, version=version)["version"] == found


@pytest.mark.parametrize("version", [True, 1.0, "two", "-1", "²", "9" * 30, []])
def test_another_version_is_refused(find, version):
    with pytest.raises(InvalidRequest, match="version"):
        find(path=PATH, version=version)


def test_what_is_not_there_is_named(backend, find):
    backend.add_entry(PATH, 1, "a: 1", None)
    with pytest.raises(CatalogEntryNotFound, match="Catalog entry not found: 7"):
        find(catalog_id=7)
    with pytest.raises(PlaybookNotFound, match="Playbook not found: a/b"):
        find(path="a/b")
    with pytest.raises(PlaybookNotFound, match=f"Playbook not found: {PATH} version 2"):
        find(path=PATH, version=2)
    with pytest.raises(InvalidRequest, match="Either 'path' or 'catalog_id' must be provided"):
        find(path="")


def test_a_batch_registers_each_item_for_itself(backend, batch):
    encoded = base64.b64encode(PLAYBOOK.encode()).decode()
    bad = {"content": "kind: Credential"}
    answer = batch({"content": encoded}, bad, "none", {"content": PLAYBOOK}, {})
    assert [one["status"] for one in answer["results"]] == [
        "success",
        "error",
        "error",
        "success",
        "error",
    ]
    assert (answer["registered"], answer["failed"], answer["skipped"]) == (2, 3, 0)
    assert [one["version"] for one in answer["results"]] == [1, None, None, 2, None]
    first, second, third, *_ = answer["results"]
    assert (first["path"], first["error"], first["index"]) == (PATH, None, 0)
    assert (second["path"], third["error"]) == (None, "body: must be a JSON object")
    assert [one["catalog_id"] for one in answer["results"] if one["catalog_id"]] == [
        str(entry.catalog_id) for entry in backend.database.catalog
    ]


def test_when_the_database_goes_away_the_rest_is_skipped(backend, batch, monkeypatch):
    store = type(backend.catalog_store())
    register, calls = store.register, []

    def failing(self, entry):
        calls.append(entry)
        if len(calls) > 1:
            raise StoreUnavailable
        return register(self, entry)

    monkeypatch.setattr(store, "register", failing)
    answer = batch(*[{"content": PLAYBOOK}] * 4)
    assert (answer["registered"], answer["failed"], answer["skipped"]) == (1, 1, 2)
    assert len(answer["results"]) == 4
    assert len(calls) == 2
    with pytest.raises(StoreUnavailable):
        batch({"content": PLAYBOOK})


@pytest.mark.parametrize("items", [[], [{}] * 1001, None, "x"])
def test_a_batch_has_one_to_a_thousand_items(items):
    with pytest.raises(InvalidRequest, match="items"):
        read_model(BatchRequest, {"items": items})


@pytest.mark.parametrize(("agent", "word"), [("curl/8.5.0", "success"), (None, "registered")])
def test_the_command_line_reads_the_word_that_it_knows(batch, agent, word):
    app = ControlPlaneApi(LIMITS)

    @app.post_json("/api/catalog/register/batch", BatchRequest)
    def register(request):
        return ok(batch(*request.items, for_cli=app.is_called_by_cli()))

    sample = event("catalog_register_batch")
    del sample["headers"]["user-agent"]
    sample["headers"] |= {"user-agent": agent} if agent else {}
    good, bad = json.loads(app.resolve(sample, Context())["body"])["results"]
    assert (good["status"], bad["status"]) == (word, "error")
