"""NoETL's command line, in the virtual environment of its own that `make` sets up."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def noetl_program(repository: Path) -> Path:
    """The program that PyPI's package `noetl` installs."""
    program = repository / ".venv-noetl" / "bin" / "noetl"
    if not program.exists():
        pytest.skip("NoETL's command line is not set up: run make setup-noetl")
    return program
