"""Sandboxes that begin as clones of one snapshot, all at once, and share nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures_nats import Broker
from tests.fixtures_postgres import PostgresBackend

Lines = list[dict[str, Any]]

CLONES = 6
PLAYBOOK = """
apiVersion: noetl.io/v2
kind: Playbook
metadata: {name: hello, path: examples/hello_world}
workflow: [{step: start, tool: {kind: noop}}]
"""


@pytest.fixture
def clones(postgres: PostgresBackend, broker: Broker, repository: Path):
    """Start the clones; returns what the original did and each of them, and their log."""
    postgres.add_entry("examples/hello_world", 1, PLAYBOOK, None)
    broker.add_stream()
    code = [repository, repository / "layers/control_plane", repository / "functions/execute"]
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, code)),
        "DATABASE_URL": postgres.app_url,
        "NATS_URL": broker.url,
        "PUBLIC_SERVER_URL": "http://localhost:8082",
        "EVENT": (repository / "events" / "execute_by_path.json").read_text(),
    }

    def start(connections: str) -> tuple[Lines, Lines]:
        program = repository / "tests" / "integration" / "clones.py"
        done = subprocess.run(
            [sys.executable, str(program), str(CLONES), connections],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        told = [json.loads(line) for line in done.stderr.splitlines()]
        assert [one["failed"] for one in told if "failed" in one] == []
        assert len(told) == CLONES + 1
        return told, [json.loads(line) for line in done.stdout.splitlines()]

    return start


# A snapshot is taken of closed connections; were they open, clones must not touch them.
@pytest.mark.parametrize("connections", ["closed", "open"])
def test_clones_that_start_at_once_share_nothing(
    clones, postgres: PostgresBackend, broker: Broker, connections: str
):
    every, log = clones(connections)
    for name in ("execution_id", "trace_id", "backend", "client", "inbox"):
        assert len({one[name] for one in every}) == len(every), name
    assert not any(one["replayed"] for one in every)
    if connections == "closed":
        assert [one["sockets"] for one in every[1:]] == [0] * CLONES

    lines = [line for line in log if "message" in line]
    logged = {(line["function_request_id"], int(line["execution_id"])) for line in lines}
    assert logged == {(one["request_id"], one["execution_id"]) for one in every}
    ids = postgres.column(
        "SELECT execution_id FROM noetl.command UNION ALL SELECT command_id FROM noetl.command"
        " UNION ALL SELECT event_id FROM noetl.event"
    )
    assert len(set(ids)) == len(ids) == 4 * len(every)
    assert len(postgres.keys()) == len(every)
    sent = {message.notification for message in broker.messages()}
    assert len({one.message_id for one in sent}) == len(every)
    traces = {(json.loads(one.body)["execution_id"], one.traceparent.split("-")[1]) for one in sent}
    assert traces == {(one["execution_id"], one["trace_id"]) for one in every}
