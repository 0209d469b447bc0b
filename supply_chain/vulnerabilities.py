"""Ask what weaknesses are known of the layer's packages: ``make audit``.

pip-audit asks PyPI's service, then OSV. A package about which neither answers is not a clean one,
so there are three ends: nothing known (0), a weakness (1), not all could be asked about (2; 0 with
``--allow-unasked``, for a machine from which neither service is reached).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from supply_chain.pins import LAYER, REPOSITORY, read_pins

PIP_AUDIT = REPOSITORY / ".venv-audit" / "bin" / "pip-audit"
SERVICES = ("pypi", "osv")

Answers = dict[str, list[str]]
"""The ids of the weaknesses known of each package that was asked about, by its name."""


def ask(pip_audit: Path, service: str) -> Answers:
    """Ask one service about every package of the layer; empty when it cannot be reached."""
    done = subprocess.run(  # noqa: S603  fixed words
        [
            *(pip_audit, "--requirement", LAYER, "--require-hashes", "--disable-pip"),
            *("--vulnerability-service", service, "--timeout", "10"),
            *("--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return {}
    return {
        item["name"]: [known["id"] for known in item["vulns"]]
        for item in dependencies
        if "vulns" in item
    }


def audit(pip_audit: Path) -> Answers:
    """Ask the services one after the other, until there is an answer about every package."""
    answers: Answers = {}
    wanted = {pin.name for pin in read_pins()}
    for service in SERVICES:
        if not wanted <= answers.keys():
            answers = ask(pip_audit, service) | answers
    return answers


def main() -> int:
    """Print what was found and what was not asked, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--allow-unasked", action="store_true", help="0 where nobody answers")
    parser.add_argument("--pip-audit", type=Path, default=PIP_AUDIT)
    arguments = parser.parse_args()

    pins = read_pins()
    answers = audit(arguments.pip_audit)
    weak = [f"{pin.name} {pin.version}: {', '.join(answers[pin.name])}"
            for pin in pins if answers.get(pin.name)]  # fmt: skip
    unasked = [f"{pin.name} {pin.version}" for pin in pins if pin.name not in answers]
    for line in weak:
        print(f"WEAK: {line}")
    if unasked:
        print(f"NOT AUDITED, since no service answered about them: {', '.join(unasked)}")
    print(f"{len(pins) - len(unasked)} of {len(pins)} packages audited, {len(weak)} weak")
    if weak:
        return 1
    return 2 if unasked and not arguments.allow_unasked else 0


if __name__ == "__main__":
    sys.exit(main())
