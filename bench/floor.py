"""The least that a start can cost: one read, the same five rows, one acknowledged publish.

No validation, no templates, no keys that anyone asked for, no reconnecting; ready-made texts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any

import nats
import psycopg

FIND = """
SELECT catalog_id, path, version FROM noetl.catalog WHERE path = %s ORDER BY version DESC LIMIT 1
"""

RECORD = """
WITH given AS (
    SELECT %(id)s::bigint AS id, %(catalog_id)s::bigint AS catalog_id, %(path)s::text AS path,
           %(workload)s::jsonb AS workload, %(tool)s::jsonb AS tool, %(key)s::text AS key,
           %(message_id)s::text AS message_id, %(body)s::text AS body
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
_numbers = itertools.count(time.time_ns() // 1000, 8)


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
        found = self._database.execute(FIND, (path,)).fetchone()
        if found is None:
            raise LookupError(path)
        number = next(_numbers)
        message_id = f"{number}:start:{number + 2}"
        values: dict[str, Any] = {
            "id": number,
            "catalog_id": found[0],
            "path": path,
            "workload": workload,
            "tool": TOOL,
            "key": f"floor:{number}",
            "message_id": message_id,
            "body": json.dumps({"execution_id": number, "event_id": number + 2,
                                "command_id": message_id, "step": "start",
                                "server_url": "http://localhost:8082"}),
        }  # fmt: skip
        self._database.execute(RECORD, values)
        sending = self._publish(
            f"noetl.commands.shared.{number}",
            values["body"].encode(),
            headers={"Nats-Msg-Id": message_id},
        )
        self._loop.run_until_complete(sending)

    def close(self) -> None:
        """Close both connections."""
        self._database.close()
        self._loop.run_until_complete(self._client.close())
        self._runner.close()
