"""Write ``docs/sbom.json``: the layer's packages as a CycloneDX bill of materials.

Run by ``make sbom``; a test fails when the file and the lock file differ. It holds neither a time
nor a number of its own, so the same packages give the same bytes.
"""

from __future__ import annotations

import json
from importlib.metadata import metadata
from typing import Any

from supply_chain.pins import REPOSITORY, Pin, read_pins

FILE = REPOSITORY / "docs" / "sbom.json"
PROJECT = "noetl-serverless"


def bill_of_materials(pins: list[Pin]) -> dict[str, Any]:
    """Return the document, version 1.6 of the format.

    Licences come from the installed packages, which are of the same versions.
    """
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": PROJECT,
                "name": PROJECT,
                "licenses": [{"expression": "MIT"}],
            }
        },
        "components": [_component(pin) for pin in pins],
        "dependencies": [
            {"ref": PROJECT, "dependsOn": [_ref(pin) for pin in pins if pin.is_direct]},
            *({"ref": _ref(pin), "dependsOn": _needs(pin, pins)} for pin in pins),
        ],
    }


def _component(pin: Pin) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": _ref(pin),
        "name": pin.name,
        "version": pin.version,
        "purl": _ref(pin),
        "licenses": [_license_of(pin.name)],
        # Of each wheel and archive that the build may take, since platforms differ.
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in pin.hashes],
    }


def _ref(pin: Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def _needs(pin: Pin, pins: list[Pin]) -> list[str]:
    return [_ref(other) for other in pins if pin.name in other.wanted_by]


def _license_of(name: str) -> dict[str, Any]:
    """Return what the package says: an expression of SPDX, or words of its own."""
    says = metadata(name)
    if "License-Expression" in says:
        return {"expression": says["License-Expression"]}
    classifiers = [item for item in says.get_all("Classifier", []) if item.startswith("License ::")]
    words = says["License"] if "License" in says else classifiers[0].rpartition(" :: ")[2]
    return {"license": {"name": words}}


def main() -> None:
    """Write the file."""
    text = json.dumps(bill_of_materials(read_pins()), indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
