"""checkov and pip-audit, in the virtual environment of their own that `make` sets up."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def audit_environment(repository: Path) -> Path:
    """The folder of the virtual environment that holds them."""
    folder = repository / ".venv-audit"
    if not (folder / "bin" / "checkov").exists():
        pytest.skip("checkov is not set up: run make setup-audit")
    return folder
