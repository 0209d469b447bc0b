"""The NATS nodes: their user data, the configuration it writes, and a cluster that runs on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.aio.client import Client

from tests.template.platform_node import (
    PASSWORDS,
    Node,
    certificates,
    nats_server,
    scripts,
    trusted,
    user_data,
    values,
)
from tests.template.platform_stack import BASE, Stack, platform

NODES = ("NodeA", "NodeB", "NodeC")
COMMAND = "noetl.commands.shared.658371920845275136"


def stacks_of_nodes(stack: Stack) -> list[Stack]:
    return [stack.children["Nats"].children[name] for name in NODES]


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> tuple[str, Path]:
    """What a client is told of the authority, and the file with the nodes' secret."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("authority")
    return certificates(folder, "localhost"), folder / "nats-tls.json"


@pytest.fixture(scope="module")
def nodes(authority, tmp_path_factory) -> list[Node]:
    """Three nodes with their configuration, which differs from the deployed one in addresses."""
    ca, secret = authority
    stack = Stack(**BASE | {"NatsName": "localhost", "NatsCa": ca})
    folder = tmp_path_factory.mktemp("nodes")
    nodes = [Node(node, folder, secret) for node in stacks_of_nodes(stack)]
    for node in nodes:
        node.configure(nodes)
    return nodes


@pytest.fixture(scope="module")
def cluster(nodes) -> Iterator[list[Node]]:
    """The three of them, running, with the stream."""
    try:
        for node in nodes:
            node.start()
        for node in nodes:
            node.await_health()
        done = nodes[0].run("/opt/nats/create-stream")
        assert done.returncode == 0, done.stderr
        yield nodes
    finally:
        for node in nodes:
            node.stop()


@contextlib.asynccontextmanager
async def connected(
    node: Node, ca: str, user: str, errors: list[Exception] | None = None
) -> AsyncIterator[Client]:
    async def note(error: Exception) -> None:
        if errors is not None:
            errors.append(error)

    client = await nats.connect(
        f"tls://localhost:{node.client_port}",
        user=user,
        password=PASSWORDS[user],
        tls=ssl.create_default_context(cadata=trusted(ca)),
        error_cb=note,
        connect_timeout=5,
    )
    try:
        yield client
    finally:
        # Not public: the client does not wait for the end of TLS, and the loop would end first.
        transport = client._transport._io_writer.transport
        await client.close()
        transport.abort()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.mark.parametrize("node", NODES)
def test_the_user_data_is_a_script_that_fits(node):
    stack = platform().children["Nats"].children[node]
    text = user_data(stack)
    assert text.startswith("#!/bin/bash\n")
    assert len(text.encode()) < 16 * 1024  # EC2's limit
    assert all(value and "$" not in value for value in values(stack).values())
    assert subprocess.run(["bash", "-n"], input=text.encode(), check=False).returncode == 0


def test_every_program_in_the_user_data_parses():
    found = scripts(stacks_of_nodes(platform())[0])
    assert set(found) == {
        f"/opt/nats/{name}" for name in ("mount-volume", "configure", "create-stream")
    }
    for path, text in found.items():
        if text.startswith("#!/usr/bin/python3\n"):
            compile(text, path, "exec", dont_inherit=True)
        else:
            assert text.startswith("#!/bin/bash\n")
            assert subprocess.run(["bash", "-n"], input=text.encode(), check=False).returncode == 0


def test_nats_server_accepts_the_configuration(nodes):
    for node in nodes:
        done = subprocess.run(
            [nats_server(), "-t", "--config", node.config],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "is valid" in done.stderr


def test_secrets_are_for_the_servers_account_alone(nodes):
    for file in nodes[0].config.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_the_stream_of_commands_lives_on_three_nodes(cluster, authority):
    async def ask() -> None:
        async with connected(cluster[1], authority[0], "noetl") as client:
            info = await client.jetstream().stream_info("noetl_commands")
        assert info.config.num_replicas == 3
        assert info.config.subjects == ["noetl.commands", "noetl.commands.>"]
        assert info.cluster is not None
        members = {info.cluster.leader, *(peer.name for peer in info.cluster.replicas or [])}
        assert members == {"nats-1", "nats-2", "nats-3"}

    asyncio.run(ask())


def test_an_acknowledged_command_is_on_disk(cluster):
    for node in cluster:
        url = f"http://127.0.0.1:{node.health_port}/varz"
        with urllib.request.urlopen(url, timeout=10) as answer:
            config = json.load(answer)["jetstream"]["config"]
        assert config["sync_always"] is True
        assert config["store_dir"].startswith(node.environment["STATE_DIRECTORY"])


def test_creating_the_stream_again_changes_nothing(cluster):
    for node in cluster:
        assert node.run("/opt/nats/create-stream").returncode == 0


def test_the_control_plane_may_publish_commands_and_nothing_else(cluster, authority):
    async def publish() -> None:
        errors: list[Exception] = []
        async with connected(cluster[0], authority[0], "control-plane", errors) as client:
            answer = await client.jetstream().publish(COMMAND, b"{}", timeout=5)
            assert answer.stream == "noetl_commands"
            for subject in ("noetl.other", "$JS.API.STREAM.DELETE.noetl_commands", "_INBOX.x"):
                await client.publish(subject, b"")
            await client.subscribe("noetl.commands.>")
            async with asyncio.timeout(10):
                while len(errors) < 4:
                    await asyncio.sleep(0.01)
            assert all("permissions violation" in str(error).lower() for error in errors)

    asyncio.run(publish())


def test_workers_cannot_delete_purge_or_change_the_stream(cluster, authority):
    async def harm() -> None:
        async with connected(cluster[0], authority[0], "noetl") as client:
            for action in ("DELETE", "PURGE", "UPDATE"):
                api = f"$JS.API.STREAM.{action}.noetl_commands"
                with pytest.raises(nats.errors.TimeoutError):
                    await client.request(api, b"", timeout=0.2)

    asyncio.run(harm())


def test_clients_learn_no_other_address(cluster, authority):
    async def look() -> None:
        async with connected(cluster[0], authority[0], "noetl") as client:
            assert client.discovered_servers == []
            assert "connect_urls" not in client._server_info

    asyncio.run(look())


def test_nobody_enters_without_a_password_or_by_a_false_name(cluster, authority):
    def enter(name: str) -> bytes:
        trust = ssl.create_default_context(cadata=trusted(authority[0]))
        with socket.create_connection(("127.0.0.1", cluster[0].client_port), timeout=10) as plain:
            greeting = plain.recv(4096)
            assert json.loads(greeting.removeprefix(b"INFO "))["tls_required"] is True
            with trust.wrap_socket(plain, server_hostname=name) as stream:
                stream.sendall(b'CONNECT {"verbose": false}\r\nPING\r\n')
                return stream.recv(4096)

    assert b"Authorization Violation" in enter("localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        enter("nats.example.com")


def test_one_node_may_die_at_any_time(cluster, authority):
    async def publish(node: Node, *ids: str) -> list[int]:
        async with connected(node, authority[0], "control-plane") as client:
            return [await acknowledged(client, message_id) for message_id in ids]

    before = asyncio.run(publish(cluster[1], "a", "b"))
    cluster[0].stop(signal.SIGKILL)
    after = asyncio.run(publish(cluster[1], "c", "d"))
    assert [*before, *after] == list(range(before[0], before[0] + 4))

    cluster[0].start()
    cluster[0].await_health()
    assert asyncio.run(publish(cluster[0], "e")) == [after[-1] + 1]


async def acknowledged(client: Client, message_id: str) -> int:
    """Publish as the control plane and its relay do, under one id, until the stream answers."""
    headers = {"Nats-Msg-Id": message_id}
    for _ in range(300):
        with contextlib.suppress(nats.errors.Error):  # the others are choosing a leader
            answer = await client.jetstream().publish(COMMAND, b"{}", timeout=2, headers=headers)
            return answer.seq
        await asyncio.sleep(0.1)
    raise AssertionError("no acknowledgement from what is left of the cluster")
