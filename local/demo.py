"""``make demo``: one start of an execution, from the request to the message, for a person to read.

Whatever it prints was read back from where it ended up, and is checked on the way.
"""

from __future__ import annotations

import json
import secrets
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import nats
import nats.errors
import psycopg
from psycopg.rows import dict_row

from local.errors import LocalError
from local.stack import ROOT, FolderInUse, Ports, Stack

_REQUEST = {"path": "examples/hello_world", "payload": {"name": "Ada"}}
_EVENTS = """
    SELECT event_id, event_type, node_name, node_type, status, context, meta
    FROM noetl.event WHERE execution_id = %s ORDER BY event_id
"""


async def demo(folder: Path, ports: Ports) -> int:
    """Show one start on a stack of its own; return the exit status.

    The data is that of ``make serve``, so that the playbooks are there afterwards; while that one
    runs, it is in ``folder/demo``.

    :param ports: taken where they are free, else any free one
    :raises LocalError: something failed; says at which point
    """
    begun = time.monotonic()
    async with AsyncExitStack() as running:
        try:
            stack = await running.enter_async_context(_stack(folder, ports))
        except FolderInUse:
            stack = await running.enter_async_context(_stack(folder / "demo", ports))
        await _Demo(stack).run()
    print(_NEXT.format(seconds=time.monotonic() - begun))
    return 0


def _stack(folder: Path, ports: Ports) -> Stack:
    return Stack(folder, ports.where_free(), report=lambda _line: None)


class _Demo:
    """The points of the demonstration, in order; each uses what the ones before found."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._key = f"demo-{secrets.token_hex(4)}"
        self._execution_id = ""
        self._events: list[dict[str, Any]] = []
        self._points = count(1)

    async def run(self) -> None:
        try:
            async with httpx.AsyncClient(base_url=self._stack.api_url, timeout=30) as api:
                with self._point("The stack: a Postgres, a NATS, the API of template.yaml"):
                    await self._show_stack(api)
                with self._point("POST /api/catalog/register: the playbooks of playbooks/"):
                    await self._register(api)
                with self._point("POST /api/execute: start one of them"):
                    await self._start(api)
                with self._point("Postgres: the two events of the start, in noetl.event"):
                    await self._show_events()
                with self._point("Postgres: the command, as a worker will fetch it"):
                    self._show_command()
                with self._point("JetStream: the notification that tells the workers, read back"):
                    await self._show_notification()
                with self._point("POST /api/execute: the same request again, under the same key"):
                    await self._start_again(api)
        except LocalError:
            self._show_log()
            raise

    async def _show_stack(self, api: httpx.AsyncClient) -> None:
        _line("API", self._stack.api_url)
        _line("Postgres", self._stack.database_url.rpartition("@")[2])
        _line("NATS", self._stack.nats_url.rpartition("@")[2])
        answer = await api.get("/health")
        _line("GET /health", answer.text)
        _expect(answer.status_code == 200, f"GET /health answered {answer.status_code}")

    async def _register(self, api: httpx.AsyncClient) -> None:
        for file in sorted((ROOT / "playbooks").glob("*.yaml")):
            content = {"content": file.read_text("utf-8")}
            answer = await api.post("/api/catalog/register", json=content)
            _expect(answer.status_code == 200, f"{file.name}: {answer.text}")
            entry = answer.json()
            _line(entry["path"], f"version {entry['version']}", column=32)

    async def _start(self, api: httpx.AsyncClient) -> None:
        answer = await self._post(api)
        _expect(answer.status_code == 200, answer.text)
        _expect("idempotent-replayed" not in answer.headers, "a fresh key was taken for known")
        self._execution_id = answer.json()["execution_id"]

    async def _post(self, api: httpx.AsyncClient) -> httpx.Response:
        begun = time.monotonic()
        headers = {"Idempotency-Key": self._key}
        answer = await api.post("/api/execute", json=_REQUEST, headers=headers)
        took = (time.monotonic() - begun) * 1000
        _line("Idempotency-Key", self._key)
        _line("request", json.dumps(_REQUEST))
        _line("answer", f"{answer.status_code} in {took:.0f} ms")
        if replayed := answer.headers.get("idempotent-replayed"):
            _line("Idempotent-Replayed", replayed)
        print(f"\n   {answer.text}")
        return answer

    async def _show_events(self) -> None:
        self._events = await self._read_events()
        kinds = [event["event_type"] for event in self._events]
        _expect(kinds == ["playbook_started", "command.issued"], f"the events are {kinds}")
        _columns("event_id", "event_type", "node_name", "node_type", "status")
        for event in self._events:
            _columns(*list(event.values())[:5])

    async def _read_events(self) -> list[dict[str, Any]]:
        async with await psycopg.AsyncConnection.connect(
            self._stack.database_url, row_factory=dict_row
        ) as connection:
            cursor = await connection.execute(_EVENTS, (self._execution_id,))
            return await cursor.fetchall()

    def _show_command(self) -> None:
        issued = self._events[1]
        command = {
            "command_id": issued["meta"]["command_id"],
            "tool_kind": issued["node_type"],
            **{part: issued["context"][part] for part in ("tool_config", "args", "render_context")},
        }
        print(textwrap.indent(json.dumps(command, indent=2, ensure_ascii=False), "   "))
        greeted = command["tool_config"]["args"]["name"]
        _expect(greeted == "Ada", "the payload did not reach the command")

    async def _show_notification(self) -> None:
        subject = f"noetl.commands.shared.{self._execution_id}"
        connection = await nats.connect(self._stack.nats_url, allow_reconnect=False)
        try:
            jetstream = connection.jetstream()
            stream = await jetstream.find_stream_name_by_subject(subject)
            message = await jetstream.get_last_msg(stream, subject)
        finally:
            await connection.close()
        _line("stream", f"{stream}, message {message.seq}")
        _line("subject", message.subject)
        for name, value in (message.headers or {}).items():
            _line(name, value)
        body = json.loads(message.data or b"{}")
        print(textwrap.indent(json.dumps(body, indent=2), "   "))
        _expect(body["event_id"] == self._events[1]["event_id"], "it is of another event")

    async def _start_again(self, api: httpx.AsyncClient) -> None:
        answer = await self._post(api)
        _expect(answer.headers.get("idempotent-replayed") == "true", "it is no replay")
        _expect(answer.json()["execution_id"] == self._execution_id, "the answer is another one")
        events = await self._read_events()
        _expect(events == self._events, "the event log has changed")
        print(f"\n   The same execution; its events are still {len(events)}.")

    @contextmanager
    def _point(self, title: str) -> Iterator[None]:
        """Print the title; turn whatever fails below it into an error that says so."""
        print(f"\n{next(self._points)}. {title}\n", flush=True)
        try:
            yield
        except (_Unexpected, httpx.HTTPError, psycopg.Error, nats.errors.Error) as error:
            reason = str(error) or type(error).__name__
            raise LocalError(f"\nThe demo failed at '{title}': {reason}") from error

    def _show_log(self) -> None:
        lines = self._stack.log_file.read_text("utf-8", errors="replace").splitlines()
        if lines:
            print("\nThe functions' last words:", *lines[-20:], sep="\n", file=sys.stderr)


class _Unexpected(Exception):
    pass


def _expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise _Unexpected(otherwise)


def _line(name: str, value: object, column: int = 20) -> None:
    print(f"   {name:<{column}} {value}", flush=True)


def _columns(*values: object) -> None:
    event_id, event_type, node_name, node_type, status = map(str, values)
    print(f"   {event_id:<20} {event_type:<17} {node_name:<21} {node_type:<10} {status}")


_NEXT = """
Everything worked, in {seconds:.1f} s. Now you:

   make serve            keeps this stack up on http://127.0.0.1:8082; then, in another terminal:

   curl -s http://127.0.0.1:8082/api/execute \\
     -d '{{"path": "examples/weather_to_postgres", "payload": {{"city": "Oslo"}}}}'

   curl -s http://127.0.0.1:8082/api/catalog/register \\
     -H 'content-type: application/json' \\
     -d "{{\\"content\\": \\"$(base64 < playbooks/hello_world.yaml | tr -d '\\n')\\"}}"

   .venv/bin/python -m local invoke ExecuteFunction -e events/execute_direct.json

   make test             runs every suite that this machine can run
   playbooks/            what was registered just now; start reading at hello_world.yaml
"""
