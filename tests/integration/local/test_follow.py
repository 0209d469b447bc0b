"""``python -m local follow`` against an API that answers as ours does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.http_server import Handler, served

# A second later than the first, as its id says.
FIRST, LATE, LAST = 1000 << 23, 1500 << 23, 2000 << 23


def event(event_id: int, event_type: str, **more: Any) -> dict[str, Any]:
    bare = {"node_name": "start", "status": "PENDING", "result": None, "error": None}
    at = "2026-10-28T06:00:30.123456Z"
    given = {"event_id": str(event_id), "event_type": event_type, "created_at": at}
    return bare | given | more


class Api:
    """Tells of an execution: what it is when asked for the first time, the second time, …"""

    def __init__(self, *told: tuple[str, list[dict[str, Any]]]) -> None:
        self.told = list(told)
        self.now: tuple[str, list[dict[str, Any]]] = ("RUNNING", [])

    def answer(self, target: str) -> Any:
        url = urlsplit(target)
        if url.path.endswith("/status"):
            self.now = self.told.pop(0)
            return {"status": self.now[0]}
        after = int(parse_qs(url.query)["after"][0])
        later = [one for one in self.now[1] if int(one["event_id"]) > after]
        rest = later[0]["event_id"] if len(later) > 1 else None
        return {"events": later[:1], "events_next": rest}


@pytest.fixture
def follow(repository) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*told: tuple[str, list[dict[str, Any]]], execution_id: str = "7") -> Any:
        api = Api(*told)

        class Get(Handler):
            def do_GET(self) -> None:  # noqa: N802
                known = self.path.startswith("/api/executions/7/")
                body = api.answer(self.path) if known else {"error": "Execution not found: 8"}
                self.send_response(200 if known else 404)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

        with served(Get) as url:
            return subprocess.run(
                [sys.executable, "-m", "local", "follow", execution_id, "--url", url],
                cwd=repository,
                env=os.environ | {"PYTHONPATH": "layers/control_plane"},
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )

    return run


def test_events_are_shown_once_until_the_execution_has_completed(follow):
    begun = [event(FIRST, "playbook_started"), event(LAST, "command.issued")]
    late = event(LATE, "command.claimed", status="RUNNING")
    ended = event(3000 << 23, "playbook_completed", status="COMPLETED", node_name=None)
    done = follow(("RUNNING", begun), ("COMPLETED", [begun[0], late, begun[1], ended]))
    assert done.returncode == 0, done.stderr
    words = [line.split()[1] for line in done.stdout.splitlines()]
    told = ["playbook_started", "command.issued", "command.claimed", "playbook_completed"]
    assert words == [*told, "7"]
    assert done.stdout.endswith("Execution 7 is COMPLETED.\n")
    assert "06:00:30.123  command.claimed" in done.stdout


def test_an_execution_that_failed_says_why(follow):
    failed = event(FIRST, "playbook.failed", status="FAILED", error="step two broke")
    done = follow(("FAILED", [failed]))
    assert done.returncode == 1
    assert "step two broke" in done.stdout
    assert done.stdout.endswith("Execution 7 is FAILED.\n")


def test_an_unknown_execution_is_named(follow):
    done = follow(execution_id="8")
    assert (done.returncode, done.stderr) == (1, "Execution not found: 8\n")


def test_without_a_stack_there_is_advice(repository, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "local", "follow", "7", "--folder", str(tmp_path)],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "make serve" in done.stderr
