"""One event on its way through a function, and what a start must have left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.installation import CATALOG_ID, SERVER_URL, Installation


@dataclass(frozen=True)
class Run:
    """One event and the function that it goes to; ``host`` is this machine as the function sees it.

    ``invoke`` sends the event, or the one given instead, and returns the function's answer.
    """

    event: dict[str, Any]
    invoke: Callable[[dict[str, Any]], Any]
    installation: Installation
    host: str


Case = Callable[[Run], None]


@dataclass(frozen=True)
class ExpectedStart:
    """Rows, command and message of a start of hello_world.

    :ivar greets: the name that the worker will greet
    :ivar key: how the stored idempotency key begins
    :ivar trace: the trace context that rows and message carry
    """

    greets: str
    key: str
    parent: int | None = None
    trace: dict[str, str] | None = None

    def check(self, installation: Installation, execution_id: str) -> None:
        """Assert that all of it is there."""
        recorded = installation.recorded(execution_id)
        assert recorded.key.startswith(self.key), recorded.key
        started, issued = recorded.events
        assert started["event_type"] == "playbook_started"
        assert started["catalog_id"] == CATALOG_ID
        assert started["parent_execution_id"] == self.parent
        assert issued["event_type"] == "command.issued"
        (command,) = recorded.commands
        assert command["context"]["tool_config"]["args"]["name"] == self.greets
        for row in (started, issued, command):
            assert row["meta"].get("trace") == self.trace
        (message,) = recorded.messages
        assert message.headers.get("traceparent") == (self.trace or {}).get("traceparent")
        assert json.loads(message.body) == {
            "execution_id": int(execution_id),
            "event_id": issued["event_id"],
            "command_id": f"{execution_id}:start:{issued['event_id']}",
            "step": "start",
            "server_url": SERVER_URL,
        }
