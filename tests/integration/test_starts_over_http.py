"""Starts over HTTP as callers make them, many at once: gateway, sandboxes, Postgres and NATS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import nats
import psycopg

from local.stack import Ports, Stack

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "hello_world.yaml"


async def register(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/catalog/register", json={"content": PLAYBOOK.read_text()})
    return str(answer.json()["path"])


def rows(stack: Stack, table: str) -> int:
    with psycopg.connect(stack.database_url) as connection:
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(number)


async def messages(stack: Stack) -> int:
    client = await nats.connect(stack.nats_url)
    try:
        return (await client.jetstream().stream_info("noetl_commands")).state.messages
    finally:
        await client.close()


def test_fifty_at_once_under_one_key_are_one_execution_and_one_message(tmp_path):
    async def main() -> None:
        async with (
            Stack(tmp_path, Ports.free(), sandboxes=4, report=lambda _: None) as stack,
            httpx.AsyncClient(base_url=stack.api_url, timeout=60) as client,
        ):
            path = await register(client)

            async def start() -> httpx.Response:
                return await client.post(
                    "/api/execute", json={"path": path}, headers={"Idempotency-Key": "order-1"}
                )

            answers = await asyncio.gather(*(start() for _ in range(50)))
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.text for answer in answers}) == 1
            replays = [a for a in answers if a.headers.get("Idempotent-Replayed") == "true"]
            assert len(replays) == 49
            assert rows(stack, "noetl.event") == 2
            assert rows(stack, "noetl.command") == 1
            assert rows(stack, "noetl_serverless.start_request") == 1
            assert await messages(stack) == 1

    asyncio.run(main())


def test_requests_in_parallel_without_a_key_are_executions_of_their_own(tmp_path):
    async def main() -> None:
        async with (
            Stack(tmp_path, Ports.free(), sandboxes=4, report=lambda _: None) as stack,
            httpx.AsyncClient(base_url=stack.api_url, timeout=60) as client,
        ):
            body = {"path": await register(client)}
            answers = await asyncio.gather(
                *(client.post("/api/execute", json=body) for _ in range(40))
            )
            assert len({answer.json()["execution_id"] for answer in answers}) == 40
            assert rows(stack, "noetl.command") == await messages(stack) == 40

    asyncio.run(main())
