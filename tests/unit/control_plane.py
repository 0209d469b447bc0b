"""The whole control plane in memory, and the events that reach it: for tests of what is on top."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from control_plane.executions import ExecutionStarter
from control_plane.limits import Limits
from control_plane.playbook.cache import PlaybookCache
from control_plane.ports import Phases, Work
from control_plane.requests import Caller, ExecuteRequest, read_model
from tests.contract.fake_notifier import FakeCommandNotifier
from tests.contract.fake_store import FakeBackend, FakeExecutionStore

LIMITS = Limits()
EVENTS = Path(__file__).parents[2] / "events"
PATH = "examples/hello_world"
PLAYBOOK = """\
apiVersion: noetl.io/v2
kind: Playbook
metadata:
  name: hello_world
  path: examples/hello_world
workload:
  name: world
  greeting: Hello
workflow:
  - step: start
    args: {note: "{{ name }}"}
    tool:
      kind: python
      args: {text: "{{ greeting }}, {{ name }}"}
      code: print(text)
"""


@dataclass
class RecordedObserver:
    """An observer that keeps what it is told."""

    told: list[tuple[Any, ...]] = field(default_factory=list)
    phases: list[Phases] = field(default_factory=list)

    def announcement(self, execution_id: int, path: str) -> Work:
        return lambda: self.told.append(("started", execution_id, path))

    def replayed(self, execution_id: int) -> None:
        self.told.append(("replayed", execution_id))

    def notification_deferred(self, execution_id: int, reason: str) -> None:
        self.told.append(("deferred", execution_id, reason))

    def took(self, phases: Phases) -> None:
        self.phases.append(phases)


class ControlPlane:
    """A starter on fakes, with one playbook in the catalog."""

    def __init__(
        self, playbook: str = PLAYBOOK, pools: str = "shared", cache_bytes: int = 1 << 20
    ) -> None:
        self.backend = FakeBackend()
        self.catalog_id = self.backend.add_entry(PATH, 1, playbook, None)
        self.store: FakeExecutionStore = self.backend.execution_store()
        self.notifier = FakeCommandNotifier()
        self.observer = RecordedObserver()
        self.starter = ExecutionStarter(
            store=self.store,
            notifier=self.notifier,
            observer=self.observer,
            playbooks=PlaybookCache(LIMITS, cache_bytes),
            limits=LIMITS,
            server_url="https://noetl.example.com",
            allowed_pools=frozenset(pools.split()),
        )

    def start(self, principal: str = "anonymous", key: str | None = None, **body: Any) -> Any:
        request = read_model(ExecuteRequest, {"path": PATH, **body})
        return self.starter.start(request, Caller("http", principal, "request-1"), key)

    @property
    def starts(self) -> list[Any]:
        return self.backend.database.starts


def event(name: str) -> Any:
    """Read a sample event."""
    return json.loads((EVENTS / f"{name}.json").read_text())


@dataclass
class Context:
    """What handlers read of a Lambda context."""

    aws_request_id: str = "8f1b6a0e-0000-4000-8000-000000000001"
    function_name: str = "execute"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:execute"

    def get_remaining_time_in_millis(self) -> int:
        return 15_000
