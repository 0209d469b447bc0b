"""`make audit`, with a stand-in for pip-audit: what it finds, and what it admits not to know."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from supply_chain.pins import REPOSITORY, read_pins

PIP_AUDIT = """#!/bin/sh
case "$*" in
    *"--vulnerability-service pypi"*) cat "$PYPI" ;;
    *"--vulnerability-service osv"*) cat "$OSV" ;;
esac
exit 1
"""
NOBODY = "Traceback: no such host"
NOTHING_KNOWN: dict[str, list[str]] = {pin.name: [] for pin in read_pins()}


def report(answers):
    unasked = [name for name in NOTHING_KNOWN if name not in answers]
    skipped = [{"name": name, "skip_reason": "not found"} for name in unasked]
    asked = [
        {"name": name, "version": "1", "vulns": [{"id": one} for one in known]}
        for name, known in answers.items()
    ]
    return json.dumps({"dependencies": skipped + asked, "fixes": []})


@pytest.fixture
def audit(tmp_path):
    def audit(*arguments, pypi=NOBODY, osv=NOBODY):
        (tmp_path / "pypi").write_text(pypi)
        (tmp_path / "osv").write_text(osv)
        tool = tmp_path / "pip-audit"
        tool.write_text(PIP_AUDIT)
        tool.chmod(0o755)
        command = [sys.executable, "-m", "supply_chain.vulnerabilities", "--pip-audit", tool]
        files = {"PYPI": str(tmp_path / "pypi"), "OSV": str(tmp_path / "osv")}
        return subprocess.run(
            [*command, *arguments],
            cwd=REPOSITORY,
            env=os.environ | files,
            capture_output=True,
            text=True,
            check=False,
        )

    return audit


def test_nothing_known_of_any_package_passes(audit):
    done = audit(pypi=report(NOTHING_KNOWN))
    assert done.returncode == 0
    assert "NOT AUDITED" not in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--allow-unasked"]])
def test_a_known_weakness_fails_and_is_named(audit, arguments):
    done = audit(*arguments, pypi=report({"pyyaml": ["CVE-2020-1747"]}))
    assert done.returncode == 1
    assert "WEAK: pyyaml " in done.stdout
    assert "CVE-2020-1747" in done.stdout


def test_whom_the_one_service_does_not_know_the_other_is_asked_about(audit):
    done = audit(pypi=report({"pydantic": []}), osv=report(NOTHING_KNOWN | {"pyyaml": ["X-1"]}))
    assert done.returncode == 1
    assert "NOT AUDITED" not in done.stdout


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--allow-unasked"], 0)])
def test_that_nobody_answers_is_said_and_passes_for_clean_only_where_allowed(
    audit, arguments, code
):
    done = audit(*arguments)
    assert done.returncode == code
    assert (
        f"NOT AUDITED, since no service answered about them: {read_pins()[0].name}" in done.stdout
    )
    assert f"0 of {len(NOTHING_KNOWN)} packages audited" in done.stdout
