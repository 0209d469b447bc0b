"""NoETL's command line against `sam local start-api`: the commands of tests/cli."""

from __future__ import annotations

import pytest

from tests.cli.commands import Commands, file, folder, path, registered, started  # noqa: F401
from tests.cli.noetl import Installed, Noetl

pytestmark = [pytest.mark.sam, pytest.mark.timeout(600)]


@pytest.fixture
def installed(start_api, installation):
    return Installed(start_api, installation.owner_url)


@pytest.fixture
def noetl(noetl_program, installed, tmp_path):
    return Noetl(noetl_program, installed.url, tmp_path)


class TestAgainstStartApi(Commands):
    """The same commands, through the built functions on Lambda's own Python."""
