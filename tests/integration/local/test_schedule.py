"""Schedules of the stack: the event they send, what is told of a run, and the relay's own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import nats
import psutil
import psycopg
import pytest

from local import template
from local.sandbox_process import Invocation, Outcome
from local.schedule import Scheduler, event_of
from local.stack import ROOT, Ports, Stack
from local.template import Schedule

HELLO = ROOT / "playbooks" / "hello_world.yaml"
OFTEN = Schedule("Often", "RelayFunction", 0)
FAILED = Outcome({"errorMessage": "StoreUnavailable"}, failed=True)


class Relay:
    """Gives one answer after the other, and ends the test with the last one."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.events: list[Any] = []
        self.is_over = asyncio.Event()

    async def invoke(self, invocation: Invocation) -> Outcome:
        self.events.append(invocation.event)
        if not self.outcomes:
            self.is_over.set()
            await asyncio.Event().wait()
        return self.outcomes.pop(0)


def told_of(*outcomes: Outcome) -> tuple[list[str], list[Any]]:
    lines: list[str] = []

    async def run() -> list[Any]:
        relay = Relay(*outcomes)
        scheduler = Scheduler({"RelayFunction": relay}, lines.append)
        scheduler.start((OFTEN,))
        await asyncio.wait_for(relay.is_over.wait(), 10)
        await scheduler.stop()
        return relay.events

    return lines, asyncio.run(run())


def test_a_run_is_told_when_it_answers_something_new():
    nothing, one = Outcome({"notified": 0, "finished": True}), Outcome({"notified": 1})
    lines, events = told_of(nothing, nothing, one, FAILED, FAILED, nothing)
    assert lines == [
        'RelayFunction by its schedule: {"finished": true}',
        'RelayFunction by its schedule: {"notified": 1}',
        "RelayFunction by its schedule: failed: StoreUnavailable",
        'RelayFunction by its schedule: {"finished": true}',
    ]
    assert len(events) == 7


def test_the_event_is_shaped_as_eventbridge_sends_it(repository: Path):
    sample = json.loads((repository / "events" / "relay_schedule.json").read_text())
    event = event_of(OFTEN)
    assert event.keys() == sample.keys()
    assert event["detail-type"] == sample["detail-type"]


def test_a_notification_that_nats_could_not_take_arrives_by_the_template_s_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(template._MINUTES, "minute", 0.005)
    has_relayed = asyncio.Event()

    def listen(line: str) -> None:
        if '{"notified": 1' in line:
            has_relayed.set()

    async def run() -> tuple[str, dict[str, Any]]:
        async with Stack(tmp_path, Ports.free(), sandboxes=1, report=listen) as stack:
            nats = server_of(tmp_path)
            async with httpx.AsyncClient(base_url=stack.api_url, timeout=30) as api:
                await api.post("/api/catalog/register", json={"content": HELLO.read_text()})
                nats.suspend()
                answer = await api.post("/api/execute", json={"path": "examples/hello_world"})
                nats.resume()
            with psycopg.connect(stack.database_url) as owner:
                # A minute later.
                owner.execute("UPDATE noetl_serverless.outbox SET due_at = now()")
            message = await received(stack.nats_url)
            await asyncio.wait_for(has_relayed.wait(), 20)
            return answer.json()["execution_id"], json.loads(message.data)

    execution_id, message = asyncio.run(run())
    assert message["execution_id"] == int(execution_id)


def server_of(folder: Path) -> psutil.Process:
    """Return the nats-server whose files are in the folder; other tests may have theirs."""
    children = psutil.Process().children(recursive=True)
    (server,) = [
        one for one in children if "nats" in one.name() and str(folder) in " ".join(one.cmdline())
    ]
    return server


async def received(url: str) -> Any:
    """Wait for the first message to the workers."""
    async with await nats.connect(url) as client:
        subscription = await client.subscribe("noetl.commands.>")
        return await subscription.next_msg(timeout=20)
