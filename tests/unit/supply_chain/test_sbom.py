"""The bill of materials: of the layer as it is pinned, complete, and in the format's own terms."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from supply_chain.pins import LAYER, read_pins
from supply_chain.sbom import FILE, bill_of_materials

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(str(fault) if fault else 0)
"""


@pytest.fixture(scope="module")
def bill():
    return json.loads(FILE.read_text())


def test_the_committed_bill_is_the_one_that_the_lock_file_makes(bill):
    assert bill == bill_of_materials(read_pins()), "run `make sbom`"


def test_every_pin_of_the_layer_is_on_it_but_those_of_other_platforms(bill):
    pinned = set(re.findall(r"^([\w.-]+==\S+)", LAYER.read_text(), re.MULTILINE))
    listed = {f"{item['name']}=={item['version']}" for item in bill["components"]}
    assert pinned - listed == {pin for pin in pinned if pin.startswith("tzdata==")}
    assert listed <= pinned


def test_every_component_has_its_hashes_and_its_licence(bill):
    for component in bill["components"]:
        assert component["hashes"], component["name"]
        (licence,) = component["licenses"]
        assert licence.get("expression") or licence["license"]["name"], component["name"]


def test_every_component_is_there_because_another_or_the_project_needs_it(bill):
    needed = {ref for item in bill["dependencies"] for ref in item["dependsOn"]}
    assert needed == {component["bom-ref"] for component in bill["components"]}


def test_the_bill_is_valid_by_the_schema_of_cyclonedx(bill, audit_environment):
    done = subprocess.run(
        [audit_environment / "bin" / "python", "-c", VALIDATE],
        input=json.dumps(bill),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
