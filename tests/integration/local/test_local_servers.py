"""The embedded servers: what survives, what is told, and what must not stay behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import nats
import psycopg
import pytest

from local.errors import LocalError, PortTaken
from local.nats import NatsServer
from local.postgres import PostgresServer
from local.server import Server
from tests.integration.local.processes import eventually, is_running

SERVERS = [PostgresServer, NatsServer]

PARENT = """
import sys
from pathlib import Path
from local.{module} import {name}
server = {name}(Path(sys.argv[1]))
server.start()
print(server.pid, server.port, flush=True)
sys.stdin.read()
"""


def count_starts(url: str) -> int:
    """Add a row and count them all."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS start (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO start DEFAULT VALUES")
        row = connection.execute("SELECT count(*) FROM start").fetchone()
    assert row is not None
    return int(row[0])


def count_messages(url: str) -> int:
    """Publish a message and count them all."""

    async def publish() -> int:
        connection = await nats.connect(url, allow_reconnect=False)
        jetstream = connection.jetstream()
        await jetstream.add_stream(name="starts", subjects=["starts"])
        acknowledgement = await jetstream.publish("starts", b"")
        await connection.close()
        return int(acknowledgement.seq)

    return asyncio.run(publish())


def use(server: Server) -> int:
    return (
        count_starts(server.url)
        if isinstance(server, PostgresServer)
        else count_messages(server.url)
    )


def parent_of(kind: type[Server], folder: Path, root: Path) -> tuple[Any, int]:
    """Start a server from a process of its own; return both."""
    code = PARENT.format(module=kind.__module__.rpartition(".")[2], name=kind.__name__)
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline().split()[0])


@pytest.mark.parametrize("kind", SERVERS)
def test_data_survives_a_restart(kind: type[Server], tmp_path: Path):
    with kind(tmp_path) as server:
        assert use(server) == 1
    assert not server.is_running
    with kind(tmp_path) as server:
        assert use(server) == 2


@pytest.mark.parametrize("kind", SERVERS)
def test_a_killed_server_starts_again_with_its_data(kind: type[Server], tmp_path: Path):
    with kind(tmp_path) as server:
        assert use(server) == 1
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert eventually(lambda: not server.is_running)
    with kind(tmp_path) as server:
        assert use(server) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends it")
@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_ends_with_a_killed_parent(kind: type[Server], tmp_path: Path, repository: Path):
    parent, pid = parent_of(kind, tmp_path, repository)
    assert is_running(pid)
    parent.kill()
    parent.communicate()
    assert eventually(lambda: not is_running(pid))
    with kind(tmp_path) as server:
        assert use(server) == 1


@pytest.mark.parametrize("kind", SERVERS)
def test_a_number_that_belongs_to_another_program_by_now_is_left_alone(
    kind: type[Server], tmp_path: Path
):
    with kind(tmp_path):
        pass
    with subprocess.Popen(["sleep", "60"]) as innocent:
        stale = str(innocent.pid)
        (tmp_path / "pid").write_text(stale)
        if kind is PostgresServer:
            (tmp_path / "data" / "postmaster.pid").write_text(f"{stale}\n{tmp_path / 'data'}\n")
        with kind(tmp_path) as server:
            assert use(server) == 1
        assert innocent.poll() is None
        innocent.kill()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_folder_serves_one_server_at_a_time(kind: type[Server], tmp_path: Path):
    with kind(tmp_path), pytest.raises(LocalError, match=f"in use by process {os.getpid()}"):
        kind(tmp_path).start()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_taken_port_is_told_with_the_one_who_has_it(kind: type[Server], tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}, but .*process {os.getpid()}"):
            kind(tmp_path, port=port).start()
    with kind(tmp_path, port=port) as server:
        assert server.port == port


def test_postgres_asks_for_the_password(tmp_path: Path):
    with PostgresServer(tmp_path, durable=False) as server:
        wrong = f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_nats_asks_for_the_password(tmp_path: Path):
    with (
        NatsServer(tmp_path) as server,
        # By hand, since the client leaves its socket open when it is refused.
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection,
        connection.makefile("rwb") as stream,
    ):
        assert stream.readline().startswith(b"INFO ")
        stream.write(b'CONNECT {"user": "noetl", "pass": "wrong"}\r\nPING\r\n')
        stream.flush()
        assert stream.readline() == b"-ERR 'Authorization Violation'\r\n"


@pytest.mark.parametrize("kind", SERVERS)
def test_stopping_twice_does_nothing(kind: type[Server], tmp_path: Path):
    server = kind(tmp_path).start()
    server.stop()
    server.stop()
    assert (server.is_running, server.pid, server.url) == (False, None, "")


def test_stopping_what_was_never_started_leaves_another_alone(tmp_path: Path):
    with NatsServer(tmp_path) as server:
        NatsServer(tmp_path).stop()
        assert (tmp_path / "pid").read_text() == str(server.pid)


def test_every_write_is_flushed_unless_told_otherwise(tmp_path: Path):
    def fsync(server: PostgresServer) -> str:
        with psycopg.connect(server.url) as connection:
            row = connection.execute("SHOW fsync").fetchone()
        assert row is not None
        return str(row[0])

    with PostgresServer(tmp_path) as server:
        assert fsync(server) == "on"
    with PostgresServer(tmp_path, durable=False) as server:
        assert fsync(server) == "off"


def test_a_half_made_data_folder_is_made_anew(tmp_path: Path):
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18\n")
    with PostgresServer(tmp_path, durable=False) as server:
        assert use(server) == 1


def test_data_of_another_version_is_left_alone_and_told(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(LocalError, match="made by PostgreSQL 12"):
        PostgresServer(tmp_path).start()
    assert (tmp_path / "data" / "PG_VERSION").exists()


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path):
    server = NatsServer(tmp_path, extra_config="no_such_setting: true")
    with pytest.raises(LocalError, match="no_such_setting"):
        server.start()
    assert not server.is_running
