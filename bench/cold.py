"""What a sandbox pays before its first request: imports and settings, in processes of their own.

Measured on this machine's Python, not in Lambda's; the ratio to the bare imports is what counts.
The packages are copied aside, once with compiled files and once without; the standard library
keeps its own, as Lambda's does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LAYER = ROOT / "layers" / "control_plane"
NEEDED = (
    "aws_lambda_powertools, aws_lambda_powertools.event_handler, aws_lambda_powertools.metrics, "
    "minijinja, nats, nats.js, psycopg, pydantic.main, pydantic.types, "
    "pydantic.functional_validators, pydantic._internal._generate_schema, yaml"
)
"""What the first request cannot do without; of pydantic what the first model brings in."""
SIDES = {"ours": "import functions.execute.app", "floor": f"import {NEEDED}"}
WATCH = "import time; begin = time.perf_counter(); {}; print(time.perf_counter() - begin)"
LEAVE = "{}; import os; os._exit(0)"  # the end of a process is no part of its init
LIST = "{}; import sys, json; print(json.dumps(sorted(sys.modules)))"


def cold(runs: int = 9) -> dict[str, Any]:
    """Return the init in milliseconds, with and without ``.pyc``, and the time by package."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _copy_packages(folder)
        without = _measure(folder, runs)
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "compileall", "-q", "-j0", "--invalidation-mode",
             "unchecked-hash", str(folder)], check=True,
        )  # fmt: skip
        files = [file for file in folder.rglob("*") if file.is_file()]
        return {
            "with_pyc": _measure(folder, runs),
            "without_pyc": without,
            "packages_mb": sum(file.stat().st_size for file in files) / 2**20,
            "by_package_ms": _by_package(folder),
            "instructions": _instructions(folder),
        }


@cache
def imported_at_init(function: str) -> frozenset[str]:
    """Return the names of all modules that a function's init imports, of the layer's packages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for package in _distributions():
            # No other package may be seen: some look for what they can do without.
            entries = {file.parts[0] for file in package.files or ()}
            for entry in entries - {"..", "__pycache__"}:
                (folder / entry).symlink_to(str(package.locate_file(entry)))
        code = f"import functions.{function}.app"
        return frozenset(json.loads(_python(LIST.format(code), f"{LAYER}:{ROOT}:{folder}")))


def _distributions() -> Iterator[Distribution]:
    text = (LAYER / "requirements.txt").read_text()
    for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE):
        # Missing are those for other platforms or versions of Python.
        with contextlib.suppress(ModuleNotFoundError):
            yield distribution(name)


def _copy_packages(folder: Path) -> None:
    for package in _distributions():
        for file in package.files or ():
            if ".." in file.parts or file.suffix == ".pyc":
                continue
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), target)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LAYER / "control_plane", folder / "control_plane", ignore=ignore)
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=ignore)


def _measure(folder: Path, runs: int) -> dict[str, Any]:
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(runs):
        for side, code in SIDES.items():
            times[side].append(float(_python(WATCH.format(code), str(folder))) * 1000)
    medians = {side: statistics.median(values[1:]) for side, values in times.items()}
    ratio = statistics.median(
        ours / floor for ours, floor in zip(times["ours"][1:], times["floor"][1:], strict=True)
    )
    return medians | {"ratio": ratio}


def _by_package(folder: Path) -> dict[str, float]:
    report = _python(SIDES["ours"], str(folder), "-X", "importtime", output="stderr")
    spent: dict[str, float] = {}
    for line in report.splitlines():
        if match := re.fullmatch(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line):
            package = match[2].partition(".")[0]
            package = "standard library" if package in sys.stdlib_module_names else package
            spent[package] = spent.get(package, 0) + int(match[1]) / 1000
    return dict(sorted(spent.items(), key=lambda item: -item[1])[:14])


def _instructions(folder: Path) -> dict[str, float] | None:
    """Return millions of instructions of both sides, which no other work on the machine changes.

    None without valgrind.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        return None
    tool = (valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
    found = {}
    for side, code in SIDES.items():
        said = _python(LEAVE.format(code), str(folder), output="stderr", before=tool)
        found[side] = int(re.findall(r"I +refs: +([\d,]+)", said)[0].replace(",", "")) / 1e6
    return found | {"ratio": found["ours"] / found["floor"]}


def _python(
    code: str, path: str, *options: str, output: str = "stdout", before: tuple[str, ...] = ()
) -> str:
    done = subprocess.run(  # noqa: S603
        # -P: or Python would take the functions from where it was started, and compile them.
        [*before, sys.executable, "-P", "-S", "-B", *options, "-c", code],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": path,
            "PYTHONHASHSEED": "0",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "NATS_URL": "nats://127.0.0.1:1",
            "PUBLIC_SERVER_URL": "http://localhost:8082",
            "NEW_VERSION": "a function:1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return str(getattr(done, output))
