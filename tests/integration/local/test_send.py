"""``make send`` against a stack that runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from local.__main__ import main
from local.stack import Ports, Stack


@pytest.mark.timeout(120)
def test_messages_are_delivered_and_told_of(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
):
    playbook = (repository / "playbooks" / "hello_world.yaml").read_text()

    def send(event: str) -> tuple[int, list[str]]:
        file = repository / "events" / event
        status = main(["send", "--folder", str(tmp_path), "-e", str(file)])
        return status, [line.partition(" ")[0] for line in capsys.readouterr().out.splitlines()]

    async def scenario() -> None:
        async with (
            Stack(tmp_path, Ports.free(), sandboxes=1, report=lambda _: None) as stack,
            httpx.AsyncClient(base_url=stack.api_url, timeout=60) as client,
        ):
            await client.post("/api/catalog/register", json={"content": playbook})
            status, words = await asyncio.to_thread(send, "sqs_partial.json")
            assert status == 0
            told = {word: words.count(word) for word in ("done", "dead-lettered", "started")}
            assert told == {"done": 2, "dead-lettered": 4, "started": 2}
            status, words = await asyncio.to_thread(send, "sqs_partial.json")
            assert (status, words.count("done"), words.count("started")) == (0, 2, 0)

    asyncio.run(scenario())
