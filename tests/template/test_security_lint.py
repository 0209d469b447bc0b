"""checkov on every template: nothing is found but what the template itself gives a reason for."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

WEAK = """
Resources:
  Open:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Open to everyone
      SecurityGroupIngress:
        - {Description: SSH, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}
"""
"""Beside the templates, so that a checkov that finds nothing in anything is noticed."""


@pytest.fixture(scope="module")
def templates(repository):
    return [
        repository / "template.yaml",
        repository / "monitoring.yaml",
        *sorted((repository / "platform").glob("*.yaml")),
    ]


@pytest.fixture(scope="module")
def found(audit_environment, templates, tmp_path_factory) -> dict[str, list[dict[str, Any]]]:
    """What checkov says of each file: ``failed_checks``, ``skipped_checks``, ``passed_checks``."""
    weak = tmp_path_factory.mktemp("checkov") / "weak.yaml"
    weak.write_text(WEAK)
    done = subprocess.run(
        [
            *(audit_environment / "bin" / "checkov", "--framework", "cloudformation"),
            *("--skip-download", "--compact", "--output", "json", "--file"),
            *(os.path.relpath(file, templates[0].parent) for file in (*templates, weak)),
        ],
        cwd=templates[0].parent,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0, done.stderr
    return report["results"]


def findings(checks):
    return {
        f"{Path(check['file_path']).name} {check['resource'].partition('.')[2]}: "
        f"{check['check_id']} {check['check_name']}"
        for check in checks
    }


def test_it_finds_nothing_in_the_templates_and_the_hole_in_the_weak_one(found):
    failed = findings(found["failed_checks"])
    weak = {finding for finding in failed if finding.startswith("weak.yaml ")}
    assert any("CKV_AWS_24" in finding for finding in weak)
    assert failed - weak == set()


def test_it_has_looked_at_every_template(found, templates):
    seen = {check["file_path"].lstrip("/") for check in found["passed_checks"]}
    # It knows no rule for an alarm or a dashboard, and monitoring.yaml holds nothing else.
    expected = {os.path.relpath(file, templates[0].parent) for file in templates}
    assert expected - seen == {"monitoring.yaml"}


def test_every_exception_has_its_reason_beside_it(found):
    assert found["skipped_checks"]
    for check in found["skipped_checks"]:
        reason = check["check_result"]["suppress_comment"]
        assert len(reason.split()) >= 4, findings([check])
