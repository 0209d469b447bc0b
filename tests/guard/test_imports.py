"""What a cold start imports, function by function; docs/performance.md says what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection

import pytest

from bench.cold import imported_at_init

POWERTOOLS = {"aws_lambda_powertools", "jmespath"}
PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_inspection"}
COMMON = POWERTOOLS | PYDANTIC | {"psycopg", "psycopg_binary", "typing_extensions"}
START = COMMON | {"minijinja", "nats", "yaml"}
PACKAGES = {
    "execute": START,
    "trigger": START,
    "relay": COMMON | {"nats"},
    "catalog": COMMON | {"minijinja", "yaml"},
    "executions": COMMON,
    "migrate": COMMON,
    "pre_traffic": POWERTOOLS | PYDANTIC | {"typing_extensions"},
}
"""The packages that each function imports before its first event; a new one costs every start."""

LATE = {
    "execute": {
        "aws_lambda_powertools.event_handler.openapi.dependant",
        "control_plane.batches",
        "control_plane.catalog",
        "control_plane.execute_batch",
        "control_plane.monitor",
        "control_plane.postgres.execution_log",
        "control_plane.relay",
        "control_plane.release",
        "control_plane.rerun",
        "control_plane.triggers",
    },
    "trigger": {"control_plane.monitor", "control_plane.postgres.execution_log"},
    "relay": {"control_plane.playbook", "control_plane.command", "control_plane.rerun"},
    "catalog": {"control_plane.monitor", "control_plane.jetstream", "control_plane.relay"},
    "executions": {"control_plane.playbook", "control_plane.jetstream", "control_plane.command"},
}
"""Modules, each with all in it, that others need and this function's cold start does without."""

INHERITED = {"trigger": {"execute"}}
"""Functions whose settings another one's build upon."""

IMPLEMENTATION = ("_cython_", "cython_runtime", "_sysconfigdata_", "_distutils", "__")
"""Beginnings of names that no package has: what compilers and the interpreter bring."""


def _packages(modules: frozenset[str]) -> set[str]:
    ours = {*sys.stdlib_module_names, "control_plane", "functions"}
    tops = {name.partition(".")[0] for name in modules} - ours
    return {name for name in tops if not name.startswith(IMPLEMENTATION)}


@pytest.mark.parametrize("function", PACKAGES)
def test_a_function_imports_these_packages_and_no_other(function):
    assert _packages(imported_at_init(function)) == PACKAGES[function]


def test_each_function_has_its_list(repository):
    assert {path.parent.name for path in repository.glob("functions/*/app.py")} == set(PACKAGES)


@pytest.mark.parametrize("function", LATE)
def test_a_function_leaves_to_others_what_it_does_not_need(function):
    assert _within(imported_at_init(function), LATE[function]) == []


@pytest.mark.parametrize("function", PACKAGES)
def test_a_function_makes_the_settings_of_no_other(function):
    own = {f"control_plane.settings.{name}" for name in (function, *INHERITED.get(function, ()))}
    found = _within(imported_at_init(function), {"control_plane.settings"})
    assert set(found) - {"control_plane.settings"} == own


AN_INIT = """
import gc, importlib, sys
times = lambda: sum(generation["collections"] for generation in gc.get_stats())
before = times()
importlib.import_module(f"functions.{sys.argv[1]}.app")
print(times() - before < 20, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


@pytest.mark.parametrize("function", PACKAGES)
def test_an_init_looks_for_no_garbage_and_what_it_made_is_never_looked_at(function, repository):
    layer = repository / "layers" / "control_plane"

    done = subprocess.run(
        [sys.executable, "-c", AN_INIT, function],
        env={
            "PYTHONPATH": f"{layer}:{repository}",
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "DATABASE_URL": "postgresql://localhost/none",
            "PUBLIC_SERVER_URL": "http://localhost:8082",
            "NEW_VERSION": "a function:1",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["True", "True", "True"]


def test_nothing_that_the_layer_leaves_out_is_ever_imported(repository):
    layer = repository / "layers" / "control_plane"
    lines = (layer / "never_imported").read_text().splitlines()
    left_out = {
        line.removesuffix(".py").replace("/", ".") for line in lines if not line.startswith("#")
    }
    every_import = repository / "tests" / "guard" / "every_import.py"

    done = subprocess.run(
        [sys.executable, every_import, layer / "control_plane", repository / "functions"],
        env=os.environ | {"PYTHONPATH": str(layer)},
        capture_output=True,
        text=True,
        check=True,
    )

    imported = set(json.loads(done.stdout))
    assert {"nkeys", "control_plane.relay.relay", "yaml"} <= imported
    assert _within(imported, left_out) == []


def _within(modules: Collection[str], parents: set[str]) -> list[str]:
    return sorted(
        name for name in modules if any(f"{name}.".startswith(f"{parent}.") for parent in parents)
    )
