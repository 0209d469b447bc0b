"""Messages that are delivered again and again, to handlers that are killed: none starts twice."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.sandbox_process import Invocation, Outcome, SandboxProcess
from local.template import Function
from tests.fixtures_nats import Broker
from tests.fixtures_postgres import PostgresBackend
from tests.integration.deliveries import QUEUE, batch
from tests.proxies.nats import NatsProxy
from tests.proxies.postgres import PostgresProxy
from tests.proxies.proxy import At

pytestmark = pytest.mark.timeout(180)

MESSAGES = [f"message-{number}" for number in range(10)]


STAGES = {
    "before the playbook is looked up": ("wire", b"resolve_start", At.HOLD),
    "before the record is sent": ("wire", b"record_start", At.HOLD),
    "after the commit": ("wire", b"record_start", At.HOLD_REPLY),
    "after the publish": ("nats", b"PUB noetl.commands.", At.HOLD_REPLY),
}


@contextmanager
def held(wire: PostgresProxy, nats: NatsProxy, stage: str) -> Iterator[Any]:
    """Have the conversation stand still at a stage; yields a wait for that."""
    place, words, at = STAGES[stage]
    proxy = {"wire": wire, "nats": nats}[place]
    trap = proxy.trap(words, at, times=None)

    async def wait() -> None:
        async with asyncio.timeout(30):
            while not trap.sprung.is_set():
                await asyncio.sleep(0.005)

    try:
        yield wait
    finally:
        proxy.disarm()


async def deliver_and_kill(function: Function, event: dict[str, Any], wait: Any) -> Outcome:
    """Deliver to a handler of its own, and kill it when the stage is reached, if it ever is."""
    sandbox = await SandboxProcess.start(function, None)
    try:
        serving = asyncio.create_task(sandbox.serve(Invocation(event)))
        waiting = asyncio.create_task(wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    finally:
        await sandbox.kill()
    return await serving


def check(postgres: PostgresBackend, broker: Broker, messages: list[str]) -> None:
    """Each message has started exactly one execution, whose workers know or will know of it."""
    keys = postgres.column("SELECT key FROM noetl_serverless.start_request ORDER BY key")
    assert keys == sorted(f"sqs:{QUEUE}:{message}" for message in messages)
    started = set(postgres.started())
    assert len(started) == len(messages)
    count = "SELECT count(*) FROM noetl.event"
    assert postgres.value(count) == 2 * len(messages)
    assert postgres.value("SELECT count(*) FROM noetl.command") == len(messages)
    published = [int(one.subject.rpartition(".")[2]) for one in broker.messages()]
    assert len(set(published)) == len(published)
    waiting = set(postgres.column("SELECT execution_id FROM noetl_serverless.outbox"))
    assert set(published) | waiting == started


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


@pytest.mark.parametrize("stage", STAGES)
def test_a_batch_whose_handler_is_killed_starts_once(  # noqa: PLR0917
    postgres, broker, function, wire, nats, stage
):
    async def scenario() -> None:
        with held(wire, nats, stage) as wait:
            assert (await deliver_and_kill(function, batch(MESSAGES[:3]), wait)).failed
        recorded = postgres.value("SELECT count(*) FROM noetl_serverless.start_request")
        assert recorded == (3 if stage.startswith("after") else 0)
        sandbox = await SandboxProcess.start(function, None)
        try:
            outcome = await sandbox.serve(Invocation(batch(MESSAGES[:3])))
        finally:
            await sandbox.kill()
        assert outcome.payload == {"batchItemFailures": []}

    run(scenario())
    check(postgres, broker, MESSAGES[:3])


def test_each_message_five_times_in_any_order_with_handlers_killed_in_between(
    postgres, broker, function, wire, nats
):
    order = random.Random(20261028)
    deliveries = MESSAGES * 5
    order.shuffle(deliveries)
    stages = itertools.cycle(STAGES)

    async def scenario() -> None:
        survivor = await SandboxProcess.start(function, None)
        try:
            number = 0
            while deliveries:
                taken = [deliveries.pop() for _ in range(min(len(deliveries), order.randint(1, 7)))]
                event = batch(sorted(set(taken), key=taken.index))
                number += 1
                if number % 3 == 0:
                    with held(wire, nats, next(stages)) as wait:
                        # A batch in which all is known records and publishes nothing.
                        await deliver_and_kill(function, event, wait)
                else:
                    outcome = await survivor.serve(Invocation(event))
                    assert outcome.payload == {"batchItemFailures": []}
            outcome = await survivor.serve(Invocation(batch(MESSAGES)))
            assert outcome.payload == {"batchItemFailures": []}
        finally:
            await survivor.kill()

    run(scenario())
    check(postgres, broker, MESSAGES)


def test_two_handlers_at_once_with_one_batch_start_it_once(postgres, broker, function):
    async def scenario() -> None:
        sandboxes = [await SandboxProcess.start(function, None) for _ in range(3)]
        try:
            events = [batch(MESSAGES), batch(MESSAGES[::-1]), batch(MESSAGES[5:] + MESSAGES[:5])]
            outcomes = await asyncio.gather(
                *(
                    one.serve(Invocation(event))
                    for one, event in zip(sandboxes, events, strict=True)
                )
            )
        finally:
            for one in sandboxes:
                await one.kill()
        assert [outcome.payload for outcome in outcomes] == [{"batchItemFailures": []}] * 3

    run(scenario())
    check(postgres, broker, MESSAGES)
