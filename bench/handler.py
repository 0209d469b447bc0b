"""The functions' handlers, called as Lambda calls them, with a watch on each phase."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from control_plane.drafts import Draft

ROOT = Path(__file__).resolve().parents[1]
PHASES = ("read", "resolve", "build", "record", "notify")
_numbers = itertools.count(time.time_ns())
_modules = itertools.count()
# Of the process, not of a handler: the starter's method is shared, and calls follow each other.
_spent = dict.fromkeys(PHASES, 0)


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


def load_function(name: str, database_url: str, nats_url: str, **settings: str) -> ModuleType:
    """Return ``functions/{name}/app.py`` as a module of its own, made for these servers."""
    os.environ |= {
        "DATABASE_URL": database_url,
        "NATS_URL": nats_url,
        "NATS_MANAGE_STREAM": "true",
        "PUBLIC_SERVER_URL": "http://localhost:8082",
        "POWERTOOLS_METRICS_NAMESPACE": "NoETL",
        "PLAYBOOK_CACHE_BYTES": "",
    } | settings
    alias = f"bench_{name}_{next(_modules)}"
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(alias, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = sys.modules[alias] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Handler:
    """Starts executions through a ``functions.execute.app`` of its own.

    :param settings: further environment variables
    """

    def __init__(self, database_url: str, nats_url: str, **settings: str) -> None:
        app = load_function("execute", database_url, nats_url, **settings)
        self.app = app
        self._event = json.loads((ROOT / "events" / "execute_by_path.json").read_text())
        store, notifier, starter = app.starter.store, app.notifier, app.starter
        _watch(app.app, "read_body", "read")
        _watch(Draft, "write", "build")  # while the lookup is under way, whose time it is not
        _watch(store, "resolve", "resolve")
        _watch(type(starter), "prepare", "build")
        _watch(store, "record", "record")
        _watch(notifier, "notify", "notify")

    @property
    def spent(self) -> dict[str, int]:
        """Nanoseconds of the last call by phase."""
        return _spent

    def body(self, path: str, payload: Any) -> None:
        """Set the request of the calls to come."""
        self._post("/api/execute", {"path": path, "payload": payload})

    def batch(self, path: str, payload: Any, items: int) -> None:
        """Set a request for so many starts at once."""
        one = {"path": path, "payload": payload}
        self._post("/api/execute/batch", {"executions": [one] * items})

    def _post(self, path: str, body: Any) -> None:
        http = self._event["requestContext"]["http"]
        self._event["rawPath"] = http["path"] = path
        self._event["routeKey"] = self._event["requestContext"]["routeKey"] = f"POST {path}"
        self._event["body"] = json.dumps(body)

    def start(self) -> str:
        """Carry the request out; return the answer's body.

        :raises RuntimeError: it was refused, or is a replay
        """
        _spent.update(dict.fromkeys(PHASES, 0))
        answer = self.app.lambda_handler(self._event, Context())
        if answer["statusCode"] != 200 or "Idempotent-Replayed" in answer["headers"]:
            raise RuntimeError(answer["body"])
        return str(answer["body"])

    def close(self) -> None:
        """Close both connections."""
        self.app.notifier.close()
        self.app.database.close()


def _watch(owner: Any, name: str, phase: str) -> None:
    inner: Callable[..., Any] = getattr(owner, name)
    inner = getattr(inner, "__wrapped__", inner)

    def timed(*arguments: Any, **named: Any) -> Any:
        others = sum(_spent.values())
        begin = time.perf_counter_ns()
        try:
            return inner(*arguments, **named)
        finally:
            spent = time.perf_counter_ns() - begin
            _spent[phase] += spent - (sum(_spent.values()) - others)

    timed.__wrapped__ = inner  # type: ignore[attr-defined]
    setattr(owner, name, timed)
