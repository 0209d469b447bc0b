"""The least that a start can cost: one read, the same five rows, one acknowledged publish.

No validation, no templates, no keys that anyone asked for, no reconnecting; ready-made texts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import nats
import psycopg

FIND = """
SELECT catalog_id, path, version FROM noetl.catalog WHERE path = %s ORDER BY version DESC LIMIT 1
"""

RECORD = """
SELECT bench.record(%(id)s, %(catalog_id)s, %(path)s, %(workload)s::jsonb, %(tool)s::jsonb, %(key)s,
                    %(message_id)s, %(body)s)
"""
RECORD_MANY = """
WITH given AS (
    SELECT id, %(catalog_id)s::bigint AS catalog_id, %(path)s::text AS path, workload,
           %(tool)s::jsonb AS tool, key, message_id, body
    FROM unnest(%(id)s::bigint[], %(workload)s::jsonb[], %(key)s::text[], %(message_id)s::text[],
                %(body)s::text[]) AS one (id, workload, key, message_id, body)
), made AS MATERIALIZED (
    SELECT *, jsonb_build_object(
        'tool_config', tool, 'args', '{}'::jsonb,
        'render_context', workload || jsonb_build_object('workload', workload)) AS context,
        jsonb_build_object('command_id', message_id, 'step', 'start', 'tool_kind', 'python',
            'max_attempts', 3, 'attempt', 1, 'execution_id', id::text,
            'catalog_id', catalog_id::text, 'actionable', true) AS meta
    FROM given
), request AS (
    INSERT INTO noetl_serverless.start_request
        (key, fingerprint, execution_id, answer, created_at, expires_at)
    SELECT key, '\\x00', id, '{}', now(), now() + interval '14 days' FROM made
), events AS (
    INSERT INTO noetl.event
        (execution_id, event_id, catalog_id, parent_event_id, created_at, event_type, node_id,
         node_name, node_type, status, context, meta)
    SELECT id, id + 1, catalog_id, NULL, now(), 'playbook_started', 'playbook', path, 'execution',
           'STARTED', jsonb_build_object('catalog_id', catalog_id::text, 'execution_id', id::text,
                                         'path', path, 'workload', workload),
           '{"emitter": "control_plane"}'::jsonb
    FROM made
    UNION ALL
    SELECT id, id + 2, catalog_id, id + 1, now(), 'command.issued', 'start', 'start', 'python',
           'PENDING', context, meta
    FROM made
), command AS (
    INSERT INTO noetl.command
        (command_id, event_id, execution_id, catalog_id, step_name, tool_kind, status, attempt,
         context, meta, latest_event_id)
    SELECT id + 3, id + 2, id, catalog_id, 'start', 'python', 'PENDING', 1, context, meta, id + 1
    FROM made
)
INSERT INTO noetl_serverless.outbox
    (command_id, execution_id, subject, message_id, body, created_at, due_at)
SELECT id + 3, id, 'noetl.commands.shared.' || id, message_id, body, now(),
       now() + interval '1 minute'
FROM made
"""


TOOL = json.dumps({"kind": "python", "code": "result = {'greeting': 'Hello, Ada'}", "args": {}})
EPOCH_MS = 1_704_067_200_000
_numbers = itertools.count()


def prepare_floor(owner: psycopg.Connection[Any]) -> None:
    """Make the function that the floor records by."""
    owner.execute(Path(__file__).with_name("floor.sql").read_bytes())


def _number() -> int:
    # Made like NoETL's ids, so that the rows end up where ours do: at the right end of each index.
    # The shard is one that noetl.snowflake_id() never uses here.
    milliseconds = time.time_ns() // 1_000_000 - EPOCH_MS
    return milliseconds << 23 | (2 + os.getpid() % 30) << 18 | next(_numbers) * 4 % 2**18


class Floor:
    """Starts at the floor's price, on connections of its own."""

    def __init__(self, database_url: str, nats_url: str) -> None:
        self._database = psycopg.connect(database_url, autocommit=True, prepare_threshold=None)
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._client = self._loop.run_until_complete(nats.connect(nats_url))
        self._publish = self._client.jetstream().publish

    def start(self, path: str, workload: str) -> None:
        """Read, record, publish."""
        common, one = self._common(path), _one(workload)
        self._database.execute(RECORD, common | one)
        self._loop.run_until_complete(self._send(one))

    def start_many(self, path: str, workload: str, number: int) -> None:
        """Read once, record all in one statement, publish all before the first answer is in."""
        common, many = self._common(path), [_one(workload) for _ in range(number)]
        columns = {name: [one[name] for one in many] for name in many[0]}
        self._database.execute(RECORD_MANY, common | columns)
        self._loop.run_until_complete(self._send_all(many))

    def close(self) -> None:
        """Close both connections."""
        self._database.close()
        self._loop.run_until_complete(self._client.close())
        self._runner.close()

    def _common(self, path: str) -> dict[str, Any]:
        found = self._database.execute(FIND, (path,)).fetchone()
        if found is None:
            raise LookupError(path)
        return {"catalog_id": found[0], "path": path, "tool": TOOL}

    def _send(self, one: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        return self._publish(
            f"noetl.commands.shared.{one['id']}",
            one["body"].encode(),
            headers={"Nats-Msg-Id": one["message_id"]},
        )

    async def _send_all(self, many: list[dict[str, Any]]) -> None:
        await asyncio.gather(*(self._send(one) for one in many))


def _one(workload: str) -> dict[str, Any]:
    number = _number()
    message_id = f"{number}:start:{number + 2}"
    body = {
        "execution_id": number,
        "event_id": number + 2,
        "command_id": message_id,
        "step": "start",
        "server_url": "http://localhost:8082",
    }
    return {
        "id": number,
        "workload": workload,
        "key": f"floor:{number}",
        "message_id": message_id,
        "body": json.dumps(body),
    }
