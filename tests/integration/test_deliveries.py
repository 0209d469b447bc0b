"""What a batch costs, and what becomes of it when a server goes away while it is served."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.sandbox_process import Invocation, Outcome, SandboxProcess
from local.template import Function
from tests.integration.deliveries import PATH, batch, record
from tests.proxies.proxy import At
from tests.queue_server import QueueServer

MESSAGES = [f"message-{number}" for number in range(10)]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[QueueServer]:
    with QueueServer(tmp_path / "dead-letters.jsonl") as queue:
        yield queue


def served(function: Function, *events: dict[str, Any], **variables: str) -> list[Outcome]:
    """Have one sandbox serve the events one after the other."""
    function = replace(function, environment={**function.environment, **variables})

    async def serve() -> list[Outcome]:
        sandbox = await SandboxProcess.start(function, None)
        try:
            return [await sandbox.serve(Invocation(event)) for event in events]
        finally:
            await sandbox.kill()

    return asyncio.run(serve())


def repeated(outcome: Outcome) -> list[str]:
    """The messages that are to be delivered again."""
    assert not outcome.failed, outcome.payload
    return [item["itemIdentifier"] for item in outcome.payload["batchItemFailures"]]


def test_ten_messages_for_one_playbook_are_two_round_trips_and_delivered_again_one(
    postgres, wire, nats, function
):
    outcomes = served(function, batch(["first"]), batch(MESSAGES), batch(MESSAGES))
    assert [repeated(outcome) for outcome in outcomes] == [[], [], []]
    assert len(postgres.started()) == 11
    assert nats.seen.count(b"PUB noetl.commands.") == 11
    # A round trip ends with Sync, or is a simple query: what a new connection asks for.
    ends = [kind for kind, _ in wire.take() if kind in {b"S", b"Q"}]
    schema, first, ten, again = 1, 2, 2, 1
    assert len(ends) == schema + first + ten + again


def test_a_batch_whose_database_goes_away_half_way_is_delivered_again(postgres, wire, function):
    wire.trap(b"record_start", At.HOLD, times=None)
    (outcome,) = served(replace(function, timeout=3), batch(MESSAGES))
    assert repeated(outcome) == MESSAGES
    assert postgres.started() == []
    wire.disarm()
    (outcome,) = served(function, batch(MESSAGES))
    assert repeated(outcome) == []
    assert len(postgres.started()) == 10


def test_a_batch_whose_commit_is_not_heard_of_starts_once(postgres, wire, function):
    wire.trap(b"record_start", At.HOLD_REPLY, times=None)
    (outcome,) = served(replace(function, timeout=3), batch(MESSAGES))
    assert repeated(outcome) == MESSAGES
    wire.disarm()
    (outcome,) = served(function, batch(MESSAGES))
    assert repeated(outcome) == []
    assert len(postgres.started()) == 10


def test_without_nats_a_batch_is_done_and_the_relay_has_its_notifications(postgres, function):
    with closing(socket.create_server(("127.0.0.1", 0))) as unserved:
        port = unserved.getsockname()[1]
    (outcome,) = served(function, batch(MESSAGES), NATS_URL=f"nats://127.0.0.1:{port}")
    assert repeated(outcome) == []
    assert len(postgres.started()) == 10
    assert postgres.value("SELECT count(*) FROM noetl_serverless.outbox") == 10


def test_a_dead_letter_queue_that_hangs_delays_what_is_for_it_alone(postgres, function):
    # It takes connections and says nothing.
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/123456789012/dead-letters"
        event = {"Records": [record("bad", {"path": "none"}), record("good", {"path": PATH})]}
        (outcome,) = served(function, event, DEAD_LETTER_QUEUE_URL=url)
    assert repeated(outcome) == ["bad"]
    assert len(postgres.started()) == 1


def test_a_dead_letter_queue_that_hangs_near_the_deadline_is_not_tried(postgres, function):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/123456789012/dead-letters"
        event = {"Records": [record("bad", {"path": "none"}), record("good", {"path": PATH})]}
        short = replace(function, timeout=6)
        (outcome,) = served(short, event, DEAD_LETTER_QUEUE_URL=url)
        silent.settimeout(0)
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert repeated(outcome) == ["bad"]
    assert len(postgres.started()) == 1


def test_a_dead_letter_that_is_put_back_is_the_start_that_it_would_have_been(
    postgres, function, queue, repository
):
    late = {"path": "examples/late", "payload": {"name": "Ada"}}
    event = {"Records": [record("message-1", late, None, colour="blue")]}
    (outcome,) = served(function, event, DEAD_LETTER_QUEUE_URL=queue.url)
    assert repeated(outcome) == []
    (letter,) = queue.messages()
    # As docs/operations.md says: mend the cause, and have SQS move the message, under a new id.
    hello_world = (repository / "playbooks" / "hello_world.yaml").read_text()
    postgres.add_entry("examples/late", 1, hello_world, None)
    attributes = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert attributes["colour"] == "blue"
    moved = {"Records": [record("moved", {}, None, **attributes) | {"body": letter["MessageBody"]}]}
    outcomes = served(function, moved, event, DEAD_LETTER_QUEUE_URL=queue.url)
    assert [repeated(outcome) for outcome in outcomes] == [[], []]
    assert len(postgres.started()) == 1
