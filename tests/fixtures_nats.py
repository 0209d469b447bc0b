"""Real NATS for the tests: one server per session, emptied for each test that takes `broker`."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import nats
import pytest
from nats.aio.client import Client

from control_plane.ports import Notification
from local.nats import NatsServer

SUBJECTS = ("noetl.commands", "noetl.commands.>")

Result = TypeVar("Result")


@dataclass(frozen=True)
class StoredMessage:
    """A message as the stream has it, byte for byte."""

    subject: str
    header: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = self.header.decode().strip().split("\r\n")[1:]
        return dict(line.split(": ", 1) for line in lines)

    @property
    def notification(self) -> Notification:
        headers = self.headers
        return Notification(
            subject=self.subject,
            message_id=headers["Nats-Msg-Id"],
            body=self.body.decode(),
            traceparent=headers.get("traceparent"),
        )


class Broker:
    """What tests ask of a running nats-server; each question on a connection of its own."""

    def __init__(self, server: NatsServer, url: str | None = None) -> None:
        self.url = url or server.url
        self._store = server.folder / "jetstream" / "jetstream"

    def add_stream(
        self, name: str = "noetl_commands", subjects: tuple[str, ...] = SUBJECTS, **config: Any
    ) -> None:
        """Make a stream; ``config`` in the words and units of the JetStream API."""
        stream = {"name": name, "subjects": list(subjects), "storage": "file", **config}
        self._api(f"STREAM.CREATE.{name}", stream)

    def delete_stream(self, name: str = "noetl_commands") -> None:
        self._api(f"STREAM.DELETE.{name}")
        # The server answers before the files are gone (it renames the folder, then removes it),
        # and a stream of the same name that is made meanwhile may find them.
        deadline = time.monotonic() + 10
        while any(folder.exists() for folder in self._folders(name)):
            assert time.monotonic() < deadline, f"the files of {name} are not removed"
            time.sleep(0.001)

    def _folders(self, stream: str) -> list[Path]:
        return [
            account / "streams" / name
            for account in self._store.glob("*")
            for name in (stream, f".{stream}")
        ]

    def stream_names(self) -> list[str]:
        return sorted(self._api("STREAM.NAMES")["streams"] or [])

    def stream_config(self, name: str = "noetl_commands") -> dict[str, Any]:
        config: dict[str, Any] = self._api(f"STREAM.INFO.{name}")["config"]
        return config

    def messages(self, stream: str = "noetl_commands") -> list[StoredMessage]:
        """Read everything that the stream holds, oldest first."""

        async def read(client: Client) -> list[StoredMessage]:
            state = (await _ask(client, f"STREAM.INFO.{stream}"))["state"]
            if not state["messages"]:
                return []
            numbers = range(state["first_seq"], state["last_seq"] + 1)
            return [await _message(client, stream, number) for number in numbers]

        return self._with_client(read)

    def notifications(self, stream: str = "noetl_commands") -> list[Notification]:
        return [message.notification for message in self.messages(stream)]

    def clear(self) -> None:
        for name in self.stream_names():
            self.delete_stream(name)

    def _api(self, name: str, question: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._with_client(lambda client: _ask(client, name, question))

    def _with_client(self, work: Callable[[Client], Awaitable[Result]]) -> Result:
        async def run() -> Result:
            async with await nats.connect(self.url) as client:
                return await work(client)

        return asyncio.run(run())


async def _ask(client: Client, name: str, question: dict[str, Any] | None = None) -> dict[str, Any]:
    body = json.dumps(question).encode() if question else b""
    reply = await client.request(f"$JS.API.{name}", body, timeout=10)
    answer: dict[str, Any] = json.loads(reply.data)
    assert "error" not in answer, answer
    return answer


async def _message(client: Client, stream: str, sequence: int) -> StoredMessage:
    message = (await _ask(client, f"STREAM.MSG.GET.{stream}", {"seq": sequence}))["message"]
    return StoredMessage(
        subject=message["subject"],
        header=base64.b64decode(message.get("hdrs", "")),
        body=base64.b64decode(message.get("data", "")),
    )


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A running nats-server with JetStream; where it is and how to log in tells its ``url``."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def broker(nats_server: NatsServer) -> Iterator[Broker]:
    """The server of the session without any stream."""
    broker = Broker(nats_server)
    broker.clear()
    yield broker
    broker.clear()
