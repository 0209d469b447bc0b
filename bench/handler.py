"""The function's handler, called as Lambda calls it, with a watch on each phase."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENT = Path(__file__).resolve().parents[1] / "events" / "execute_by_path.json"
PHASES = ("read", "resolve", "build", "record", "notify")
_numbers = itertools.count(time.time_ns())


class Context:
    """What Lambda passes along."""

    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:bench"

    def __init__(self) -> None:
        self.aws_request_id = f"bench-{next(_numbers)}"

    def get_remaining_time_in_millis(self) -> int:
        """Return as much as an invocation has at its begin."""
        return 29_000


class Handler:
    """Starts executions through ``functions.execute.app``, imported anew for these servers.

    :ivar spent: nanoseconds of the last call by phase
    """

    def __init__(self, database_url: str, nats_url: str) -> None:
        os.environ |= {
            "DATABASE_URL": database_url,
            "NATS_URL": nats_url,
            "NATS_MANAGE_STREAM": "true",
            "PUBLIC_SERVER_URL": "http://localhost:8082",
            "POWERTOOLS_METRICS_NAMESPACE": "NoETL",
        }
        app = importlib.reload(importlib.import_module("functions.execute.app"))
        self.app = app
        self.spent = dict.fromkeys(PHASES, 0)
        self._event = json.loads(EVENT.read_text())
        store, notifier, starter = app.starter.store, app.notifier, app.starter
        self._watch(app.app, "read_body", "read")
        self._watch(store, "resolve", "resolve")
        self._watch(type(starter), "prepare", "build")
        self._watch(store, "record", "record")
        self._watch(notifier, "notify", "notify")

    def body(self, path: str, payload: Any) -> None:
        """Set the request of the calls to come."""
        self._event["body"] = json.dumps({"path": path, "payload": payload})

    def start(self) -> None:
        """Start one execution."""
        self.spent = dict.fromkeys(PHASES, 0)
        answer = self.app.lambda_handler(self._event, Context())
        if answer["statusCode"] != 200:
            raise RuntimeError(answer["body"])

    def close(self) -> None:
        """Close both connections."""
        self.app.notifier.close()
        self.app.database.close()

    def _watch(self, owner: Any, name: str, phase: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)
        inner = getattr(inner, "__wrapped__", inner)

        def timed(*arguments: Any, **named: Any) -> Any:
            begin = time.perf_counter_ns()
            try:
                return inner(*arguments, **named)
            finally:
                self.spent[phase] += time.perf_counter_ns() - begin

        timed.__wrapped__ = inner  # type: ignore[attr-defined]
        setattr(owner, name, timed)
