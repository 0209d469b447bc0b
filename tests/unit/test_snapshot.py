"""Connections at a snapshot: closed before it, forgotten after it."""

from __future__ import annotations

import sys

import pytest
import snapshot_restore_py
from awslambdaric.lambda_runtime_hooks_runner import run_after_restore, run_before_snapshot

from control_plane.snapshot import restorable


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
