"""``python -m local demo``: the whole way, and what it says when the way is blocked."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local import demo
from local.errors import LocalError
from local.stack import Ports


def test_the_demo_shows_the_way_from_the_request_to_the_message(tmp_path: Path, repository: Path):
    shown = subprocess.run(
        [sys.executable, "-m", "local", "demo", "--free-ports", "--folder", str(tmp_path)],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert re.findall(r"^(\d)\. ", shown.stdout, re.MULTILINE) == list("1234567")
    answer = re.search(r'^ +(\{"execution_id".+\})$', shown.stdout, re.MULTILINE)
    assert answer is not None
    execution_id = json.loads(answer[1])["execution_id"]
    assert f"noetl.commands.shared.{execution_id}\n" in shown.stdout
    assert "Idempotent-Replayed  true" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 100
    assert not (tmp_path / "stack.env").exists()


def test_a_demo_that_fails_says_where(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "_REQUEST", {"path": "examples/no_such_playbook"})
    with pytest.raises(LocalError, match="failed at 'POST /api/execute: start one of them'"):
        asyncio.run(demo.demo(tmp_path, Ports.free()))
    assert "examples/no_such_playbook" in capsys.readouterr().out
