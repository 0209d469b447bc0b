"""``python -m local serve`` as a program: its addresses, its rivals, its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.integration.local.processes import eventually, is_running

Serve = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "stack"


@pytest.fixture
def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "local", "serve", "--folder", str(folder), "--free-ports"]


@pytest.fixture
def serve(command: list[str], folder: Path, repository: Path) -> Iterator[Serve]:
    """Start a stack and wait for its addresses; whatever runs at the end of the test is ended."""
    started = []

    def serve(*more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*command, *more], cwd=repository, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        mine = f"process {process.pid},"

        def is_ready() -> bool:
            return (folder / "stack.env").exists() and mine in (folder / "lock").read_text()

        assert eventually(lambda: process.poll() is not None or is_ready(), seconds=60)
        assert process.poll() is None, "the stack did not start; it says why on standard error"
        return process

    yield serve
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def addresses(folder: Path) -> dict[str, str]:
    lines = (folder / "stack.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def descendants(process: subprocess.Popen[str]) -> list[int]:
    return [child.pid for child in psutil.Process(process.pid).children(recursive=True)]


def test_the_addresses_are_written_for_the_owner_alone(serve: Serve, folder: Path):
    serve()
    assert (folder / "stack.env").stat().st_mode & 0o777 == 0o600
    found = addresses(folder)
    assert httpx.get(f"{found['API_URL']}/nothing", trust_env=False).status_code == 404
    with psycopg.connect(found["DATABASE_URL"]) as connection:
        connection.execute("SELECT execution_id FROM noetl.event")


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_order(serve: Serve, folder: Path, wish: signal.Signals):
    process = serve()
    children = descendants(process)
    process.send_signal(wish)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output.splitlines()[-1]) == (0, "Stopped.")
    assert not any(map(is_running, children))
    assert not (folder / "stack.env").exists()
    assert not (folder / "postgres" / "data" / "postmaster.pid").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends them")
def test_a_kill_leaves_nothing_behind_that_hinders_the_next(serve: Serve, folder: Path):
    process = serve()
    url = addresses(folder)["API_URL"]
    httpx.get(f"{url}/health", trust_env=False)  # a sandbox has been started
    children = descendants(process)
    assert len(children) > 2
    process.kill()
    process.communicate()
    serve()  # at once, while the servers of the killed one may still be about to end
    assert eventually(lambda: not any(map(is_running, children)))


def test_a_second_one_is_told_who_is_in_its_way(
    serve: Serve, command: list[str], folder: Path, repository: Path
):
    first = serve()
    second = subprocess.run(
        command, cwd=repository, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert f"process {first.pid}, {addresses(folder)['API_URL']}" in second.stderr
    assert first.poll() is None


def test_a_taken_port_is_told_before_anything_is_started(
    command: list[str], folder: Path, repository: Path
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = subprocess.run(
            [*command, "--port", str(port)],
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert refused.returncode == 1
    assert f"127.0.0.1:{port}" in refused.stderr
    assert f"process {os.getpid()}" in refused.stderr
    assert not (folder / "postgres").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's end")
def test_a_stack_ends_with_the_program_that_started_it(
    command: list[str], folder: Path, repository: Path
):
    code = f"import subprocess; subprocess.run({[*command, '--with-parent']!r})"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=repository, stdout=subprocess.DEVNULL
    )
    assert eventually((folder / "stack.env").exists)
    children = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
    parent.kill()
    parent.communicate()
    assert eventually(lambda: not any(map(is_running, children)))
    assert not (folder / "stack.env").exists()


def test_without_a_stack_nothing_is_invoked(folder: Path, repository: Path):
    command = [sys.executable, "-m", "local", "invoke", "ExecuteFunction", "--folder", str(folder)]
    refused = subprocess.run(
        command, cwd=repository, input="{}", capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "make serve" in refused.stderr
