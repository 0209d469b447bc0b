"""The SAM CLI, in the virtual environment of its own that `make` sets up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sam: needs .venv-sam and a Docker engine")
    config.addinivalue_line("markers", "emulator: needs .venv-sam, on Linux")


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_reported_to_aws() -> None:
    os.environ["SAM_CLI_TELEMETRY"] = "0"


@pytest.fixture(scope="session")
def sam_environment(repository: Path) -> Path:
    """The folder of the virtual environment that holds the SAM CLI."""
    folder = repository / ".venv-sam"
    if not (folder / "bin" / "sam").exists():
        pytest.skip("the SAM CLI is not set up: run make setup-sam")
    return folder
