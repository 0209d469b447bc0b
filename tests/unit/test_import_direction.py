"""Who may import whom; drawn in the design of the house and held here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "control_plane"
ADAPTERS = {"psycopg", "nats", "aws_lambda_powertools", "boto3"}
PURE = ["playbook", "command", "drafts", "executions", "batches", "rerun", "cancellation",
        "catalog", "monitor", "relay", "requests", "answers", "cursors", "ports", "notifications",
        "trace_context", "release/dry_run", "errors", "limits", "json_text", "health",
        "triggers/events", "triggers/messages", "triggers/dead_letters",
        "triggers/dispatcher"]  # fmt: skip


def files_of(module: str) -> list[Path]:
    path = LAYER / "control_plane" / module
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def imports_of(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("module", PURE)
def test_the_domain_imports_no_adapter_and_no_toolkit(module):
    for file in files_of(module):
        for name in imports_of(file):
            assert name.partition(".")[0] not in ADAPTERS, file
            assert not name.startswith(("control_plane.postgres", "control_plane.jetstream")), file
            assert name not in {"control_plane.api", "control_plane.observability"}, file


def test_the_adapters_do_not_know_the_use_cases():
    for module in ("postgres", "jetstream"):
        for file in files_of(module):
            use_cases = "executions", "rerun", "monitor.monitor", "cancellation", "relay.relay"
            taken = {
                f"control_plane.{name}" for name in (*use_cases, "catalog.registration", "api")
            }
            assert not imports_of(file) & taken, file


@pytest.mark.parametrize("file", sorted((ROOT / "functions").glob("*/app.py")), ids=str)
def test_a_handler_file_is_short_and_holds_no_logic(file):
    text = file.read_text()
    assert len(text.splitlines()) <= 60
    assert "os.environ" not in text
    nodes = list(ast.walk(ast.parse(text)))
    assert not [node for node in nodes if isinstance(node, ast.Try | ast.For | ast.While)]


@pytest.mark.parametrize("file", sorted((ROOT / "functions").glob("*/app.py")), ids=str)
def test_a_handler_file_ends_with_its_observed_handler(file):
    # What `observed` does last, ends the init.
    last = ast.parse(file.read_text()).body[-1]
    assert isinstance(last, ast.FunctionDef)
    assert last.name == "lambda_handler"
    assert [ast.unparse(decorator) for decorator in last.decorator_list] == ["observed"]
