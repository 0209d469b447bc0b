"""A template can neither run long, nor grow large, nor end the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.command.hostile_templates import MIB, TEMPLATES

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("hostile_templates.py")


@pytest.fixture(scope="module")
def outcome():
    run = subprocess.run(
        [sys.executable, SCRIPT],
        env={"PYTHONPATH": str(ROOT / "layers" / "control_plane")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_hostile_template_fails_and_nothing_else_does(outcome, name):
    assert outcome["ends"][name] in {"RenderingFailed", "OutOfFuel", "OutOfMemory", "OutputTooLong"}


def test_the_process_has_hardly_grown_over_all_of_them(outcome):
    assert outcome["growth"] < 64 * MIB
