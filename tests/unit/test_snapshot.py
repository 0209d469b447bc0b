"""Connections at a snapshot: closed before it, forgotten after it."""

from __future__ import annotations

import gc
import importlib.util
import sys
from pathlib import Path

import pytest
import snapshot_restore_py
from awslambdaric.lambda_runtime_hooks_runner import run_after_restore, run_before_snapshot

from control_plane.jetstream import JetStreamNotifier
from control_plane.postgres.connection import Database
from control_plane.snapshot import restorable

FUNCTIONS = sorted(file.name for file in (Path(__file__).parents[2] / "functions").iterdir())
CONNECTED = {"catalog", "execute", "executions", "relay", "trigger"}


class Thing:
    def __init__(self) -> None:
        self.told: list[str] = []

    def close(self) -> None:
        self.told.append("close")

    def forget(self) -> None:
        self.told.append("forget")


@pytest.fixture
def hooks(monkeypatch):
    """The runtime's hooks, none of them registered."""
    monkeypatch.setattr(snapshot_restore_py, "_before_snapshot_registry", [])
    monkeypatch.setattr(snapshot_restore_py, "_after_restore_registry", [])
    return snapshot_restore_py


@pytest.mark.usefixtures("hooks")
def test_a_connection_is_closed_before_the_snapshot_and_forgotten_after_it():
    thing = restorable(Thing())
    assert thing.told == []
    run_before_snapshot()
    assert thing.told == ["close"]
    run_after_restore()
    assert thing.told == ["close", "forget"]


def test_where_the_runtime_knows_no_snapshots_nothing_is_registered(hooks, monkeypatch):
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)
    assert restorable(Thing()).told == []
    assert hooks.get_after_restore() == []


def connected_things() -> set[int]:
    return {id(one) for one in gc.get_objects() if isinstance(one, Database | JetStreamNotifier)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_connection_of_a_function_is_dropped_at_a_restore(
    hooks, monkeypatch, repository: Path, function
):
    for name in ("DATABASE_URL", "PUBLIC_SERVER_URL", "DEAD_LETTER_QUEUE_URL", "NEW_VERSION"):
        monkeypatch.setenv(name, "postgresql://app@db/noetl")
    file = repository / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"snapshot_of_{function}", file)
    before = connected_things()
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    held = connected_things() - before
    assert held or function not in CONNECTED
    assert {id(hook.__self__) for hook, _, _ in hooks.get_after_restore()} == held
    assert {id(hook.__self__) for hook, _, _ in hooks.get_before_snapshot()} == held
