"""The lock files: what the layer carries is what the project asks for, and what is tested here."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LAYER = "layers/control_plane/requirements.txt"
DEVELOPMENT = "requirements.lock"
SAM = "requirements-sam.txt"
AUDIT = "requirements-audit.txt"


@pytest.fixture(scope="module")
def pins(repository):
    def pins(file):
        lines = re.findall(r"^([\w.-]+)==([\w.]+)", (repository / file).read_text(), re.MULTILINE)
        return {canonicalize_name(name): version for name, version in lines}

    return pins


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text())


def wrong_pins(wanted, pinned):
    requirements = map(Requirement, wanted)
    return [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"))
    ]


def test_the_layer_has_what_the_project_depends_on(project, pins):
    assert wrong_pins(project["project"]["dependencies"], pins(LAYER)) == [], "run `make lock`"


def test_development_has_what_the_project_and_its_group_depend_on(project, pins):
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    assert wrong_pins(wanted, pins(DEVELOPMENT)) == [], "run `make lock`"


def test_what_is_tested_here_is_what_the_layer_carries(pins):
    assert pins(LAYER).items() <= pins(DEVELOPMENT).items(), "run `make lock`"


@pytest.mark.parametrize("file", [SAM, AUDIT])
def test_the_pinned_tools_are_the_ones_asked_for(repository, pins, file):
    asked = (repository / file).with_suffix(".in").read_text().splitlines()
    wanted = [line for line in asked if not line.startswith("#")]
    assert wrong_pins(wanted, pins(file)) == [], "run `make lock`"


@pytest.mark.parametrize("file", [LAYER, DEVELOPMENT, SAM, AUDIT])
def test_a_lock_file_has_a_hash_for_every_pin_and_names_no_index(repository, file):
    text = (repository / file).read_text()
    for pin in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in pin, pin
    assert "://" not in text
