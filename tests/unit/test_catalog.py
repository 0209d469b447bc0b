from __future__ import annotations

import base64

import pytest

from control_plane.catalog.registration import RegisterRequest, Registrar
from control_plane.errors import InvalidPlaybook, InvalidRequest, PlaybookSyntaxError, RequestError
from control_plane.requests import read_model
from tests.contract.fake_store import FakeBackend
from tests.unit.control_plane import LIMITS, PATH, PLAYBOOK


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture
def register(backend):
    registrar = Registrar(backend.catalog_store(), LIMITS)

    def call(content, *, query_dry_run=False, **more):
        request = read_model(RegisterRequest, {"content": content, **more})
        return registrar.register(request, dry_run=query_dry_run)

    return call


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_registration_answers_with_path_version_and_id(backend, register):
    answer = register(PLAYBOOK)
    (entry,) = backend.database.catalog
    assert answer.model_dump() == {
        "status": "success",
        "message": f"Resource '{PATH}' version '1' registered.",
        "path": PATH,
        "version": 1,
        "catalog_id": str(entry.catalog_id),
        "kind": "playbook",
        "warnings": [],
    }


def test_the_same_content_again_is_a_new_version(register):
    assert [register(PLAYBOOK).version for _ in range(3)] == [1, 2, 3]


def test_base64_is_stored_as_the_text_it_stands_for(backend, register):
    register(encoded(PLAYBOOK))
    assert backend.database.catalog[0].document == PLAYBOOK


@pytest.mark.parametrize(
    "content",
    [
        "YWJj!",
        "//79/A==",
        encoded("just text"),
        encoded(encoded(PLAYBOOK)),
        base64.urlsafe_b64encode(PLAYBOOK.encode() + b"~~~???").decode(),
    ],
)
def test_what_is_no_base64_of_a_yaml_mapping_is_taken_as_text_and_refused(register, content):
    with pytest.raises(RequestError):
        register(content)


@pytest.mark.parametrize(
    ("resource_type", "kind"), [(None, "playbook"), ("Playbook", "playbook"), ("AGENT", "agent")]
)
def test_the_kind_is_the_resource_type_in_lower_case(register, resource_type, kind):
    assert register(PLAYBOOK, resource_type=resource_type).kind == kind


def test_another_resource_type_is_refused(register):
    with pytest.raises(InvalidRequest, match="resource_type: must be one of: playbook, agent"):
        register(PLAYBOOK, resource_type="credential")


def test_the_name_stands_in_for_a_missing_path(register):
    assert register(PLAYBOOK.replace(f"  path: {PATH}\n", "")).path == "hello_world"


@pytest.mark.parametrize(
    "path", ["'  '", "x" * 1025, "x" * 2000, r'"a\tb"', "a/../b", "..", "./a", "' a'", "'a '"]
)
def test_a_path_that_nobody_could_ask_for_is_refused(register, path):
    with pytest.raises(InvalidPlaybook, match=r"metadata\.path"):
        register(PLAYBOOK.replace(PATH, path))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("a: [", PlaybookSyntaxError),
        ("a: 1", InvalidPlaybook),
        (PLAYBOOK.replace("kind: Playbook", "kind: Credential"), InvalidPlaybook),
        (PLAYBOOK.replace("step: start", "step: first"), InvalidPlaybook),
    ],
)
def test_what_could_not_be_started_is_not_registered(backend, register, content, error):
    with pytest.raises(error):
        register(content)
    assert backend.database.catalog == []


@pytest.mark.parametrize("way", [{"dry_run": True}, {"query_dry_run": True}])
def test_a_dry_run_validates_and_stores_nothing(backend, register, way):
    answer = register(PLAYBOOK, **way)
    assert (answer.version, answer.catalog_id) == (None, None)
    assert backend.database.catalog == []


def test_warnings_name_what_will_not_do_what_it_seems_to(register):
    content = PLAYBOOK.replace("kind: python", "kind: cobol").replace("{{ greeting }}", "{{ gree")
    warnings = " ".join(register(content).warnings)
    assert "cobol" in warnings
    assert "start" in warnings
