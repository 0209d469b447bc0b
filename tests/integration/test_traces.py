"""A trace on its way through: by header, attribute or X-Ray, into the rows and to the workers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import nats
import psycopg
import pytest

from local.stack import Ports, Stack
from tests.integration.deliveries import PATH, record

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
W3C = {"traceparent": PARENT, "tracestate": "vendor=t61rcWkgMzE", "baggage": "tenant=acme"}
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
FROM_XRAY = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


class Way:
    """A stack, and the ways in which a trace comes to it; each starts one execution."""

    def __init__(self, client: httpx.AsyncClient, stack: Stack) -> None:
        self._client = client
        self._stack = stack

    async def by_header(self) -> dict[str, Any]:
        answer = await self._client.post("/api/execute", json={"path": PATH}, headers=W3C)
        return await self._told(answer.raise_for_status().json()["execution_id"])

    async def by_header_of_a_batch(self) -> dict[str, Any]:
        body = {"executions": [{"path": PATH}]}
        answer = await self._client.post("/api/execute/batch", json=body, headers=W3C)
        (result,) = answer.raise_for_status().json()["results"]
        return await self._told(result["execution_id"])

    async def by_message(self, system: Any = None, **attributes: str) -> dict[str, Any]:
        event = {"Records": [record("traced", {"path": PATH}, system, **attributes)]}
        known = self._executions()
        invoke = "/2015-03-31/functions/TriggerFunction/invocations"
        answer = await self._client.post(invoke, content=json.dumps(event))
        assert answer.json() == {"batchItemFailures": []}
        (execution_id,) = self._executions() - known
        self._rows("DELETE FROM noetl_serverless.start_request RETURNING execution_id")
        return await self._told(execution_id)

    async def _told(self, execution_id: str) -> dict[str, Any]:
        """The traces of the rows, which must be one, and the header of the notification."""
        query = "SELECT meta FROM noetl.{} WHERE execution_id = %s"
        traces = [
            meta.get("trace")
            for table in ("event", "command")
            for (meta,) in self._rows(query.format(table), int(execution_id))
        ]
        assert len(traces) == 3
        assert traces == traces[:1] * 3
        client = await nats.connect(self._stack.nats_url)
        try:
            subject = f"noetl.commands.shared.{execution_id}"
            message = await client.jetstream().get_last_msg("noetl_commands", subject)
        finally:
            await client.close()
        return {"meta": traces[0], "header": (message.headers or {}).get("traceparent")}

    def _executions(self) -> set[str]:
        rows = self._rows("SELECT DISTINCT execution_id FROM noetl.event")
        return {str(execution_id) for (execution_id,) in rows}

    def _rows(self, query: str, *parameters: Any) -> list[Any]:
        with psycopg.connect(self._stack.database_url) as connection:
            return connection.execute(query, parameters).fetchall()


@pytest.mark.timeout(120)
def test_a_trace_is_kept_and_passed_on_whichever_way_it_came(tmp_path: Path, repository: Path):
    playbook = (repository / "playbooks" / "hello_world.yaml").read_text()

    async def scenario() -> dict[str, dict[str, Any]]:
        async with (
            Stack(tmp_path, Ports.free(), sandboxes=1, report=lambda _: None) as stack,
            httpx.AsyncClient(base_url=stack.api_url, timeout=60) as client,
        ):
            await client.post("/api/catalog/register", json={"content": playbook})
            way = Way(client, stack)
            return {
                "header": await way.by_header(),
                "header of a batch": await way.by_header_of_a_batch(),
                "attribute": await way.by_message(**W3C),
                "X-Ray": await way.by_message({"AWSTraceHeader": XRAY}),
                "both": await way.by_message({"AWSTraceHeader": XRAY}, traceparent=PARENT),
                "malformed": await way.by_message(None, traceparent="00-nonsense"),
            }

    by_xray = {"meta": {"traceparent": FROM_XRAY}, "header": FROM_XRAY}
    assert asyncio.run(scenario()) == {
        "header": {"meta": W3C, "header": PARENT},
        "header of a batch": {"meta": W3C, "header": PARENT},
        "attribute": {"meta": W3C, "header": PARENT},
        "X-Ray": by_xray,
        "both": {"meta": {"traceparent": PARENT}, "header": PARENT},
        "malformed": {"meta": None, "header": None},
    }
