"""The commands against the embedded stack."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.cli.commands import Commands, file, folder, path, registered, started  # noqa: F401
from tests.cli.noetl import Installed, Noetl

START_SECONDS = 60


@pytest.fixture(scope="module")
def installed(noetl_program, repository, tmp_path_factory):
    """A running stack, on free ports and in a folder of its own."""
    stack = tmp_path_factory.mktemp("serve")
    command = [sys.executable, "-m", "local", "serve", "--free-ports", "--with-parent"]
    process = subprocess.Popen(
        [*command, "--folder", str(stack)], cwd=repository, stdout=subprocess.DEVNULL
    )
    addresses = stack / "stack.env"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not addresses.exists() and time.monotonic() < deadline:
            assert process.poll() is None, "the stack did not start"
            time.sleep(0.05)
        found = dict(line.split("=", 1) for line in addresses.read_text().splitlines())
        yield Installed(found["API_URL"], found["DATABASE_URL"])
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def noetl(noetl_program, installed, tmp_path):
    return Noetl(noetl_program, installed.url, tmp_path)


class TestAgainstServe(Commands):
    """The same commands, through the gateway that reads template.yaml."""
