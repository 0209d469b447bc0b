"""Reads all that a history has left: database, stream, log and answers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, LiteralString

from tests.faults.evidence import Event, Evidence, Text

if TYPE_CHECKING:
    from tests.faults.world import World

_TABLES: dict[LiteralString, bool] = {
    "noetl.event": True,
    "noetl.command": True,
    "noetl_serverless.start_request": False,
    "noetl_serverless.outbox": False,
}
"""Each table, and whether callers' input belongs there."""


def gather(world: World, secrets: tuple[str, ...]) -> Evidence:
    """Return what there is to see."""
    events = world.postgres.rows(
        "SELECT execution_id, event_id, event_type, parent_event_id,"
        " meta ->> 'command_id' AS command_id FROM noetl.event ORDER BY event_id"
    )
    commands: dict[int, list[int]] = defaultdict(list)
    for row in world.postgres.rows("SELECT execution_id, event_id FROM noetl.command"):
        commands[row["execution_id"]].append(row["event_id"])
    outbox = world.postgres.rows(
        "SELECT execution_id, parked_at, last_error FROM noetl_serverless.outbox"
    )
    return Evidence(
        replies=world.replies,
        events=[Event(**row) for row in events],
        commands=commands,
        keys=world.executions(),
        waiting=[row["execution_id"] for row in outbox],
        parked={row["execution_id"]: row["last_error"] for row in outbox if row["parked_at"]},
        message_ids=world.nats.message_ids(),
        lost_message_ids=world.nats.lost_message_ids,
        bounds=world.bounds,
        texts=[*_texts(world)],
        secrets=secrets,
        inputs=(world.marker,),
        relay_errors=world.relay_errors,
    )


def _texts(world: World) -> Iterator[Text]:
    for table, holds_input in _TABLES.items():
        for row in world.postgres.rows(f"SELECT t::text AS text FROM {table} AS t"):
            yield Text(f"a row of {table}", row["text"], holds_input)
    for message in world.nats.messages():
        yield Text(f"a message on {message.subject}", (message.header + message.body).decode())
    yield Text("the log", world.log())
    for reply in world.replies:
        yield Text(f"the answer {reply.status} to {reply.key}", json.dumps(reply.body))
