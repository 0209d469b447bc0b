"""Measure cold starts in Lambda's runtime emulator, in a container; writes ``bench/cold.json``.

Init is the import of the handler; the first request follows it at once and connects to PostgreSQL
and NATS, which run on this machine. The floor is a handler that only imports the packages that the
request needs (`bench.cold.NEEDED`). Ours and the floor alternate.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.cold import NEEDED
from bench.container import PROBE, base_image, build_layer, run_python, sandbox
from bench.handler import ROOT
from bench.report import table
from bench.servers import Servers, servers

EVENT = ROOT / "events" / "execute_by_path.json"
OUTPUT = Path(__file__).with_name("cold.json")
IMPORT_TIMES = Path(__file__).with_name("importtime.txt")
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
FUNCTIONS = ("execute", "trigger", "relay", "catalog", "executions", "migrate")
LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")

FLOOR = (
    f"import {NEEDED}\n\ndef lambda_handler(event, context):\n    return {{'statusCode': 200}}\n"
)

Figures = dict[str, float]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of each case; the median counts")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    image = base_image()
    with tempfile.TemporaryDirectory() as name, servers() as running:
        layers = _layers(Path(name))
        cases = [
            _case(partial(_start, image, layer, running), layer.name, disk, options.runs)
            for layer in layers
            for disk in ("warm", *(("cold",) if _can_drop_caches() else ()))
        ]
        results = {
            "image": image.partition(":")[0],
            "layer_mb": _size(layers[0]) / 1e6,
            "bytecode_mb": _size(layers[0], "*.pyc") / 1e6,
            "cases": cases,
            "imports": {
                function: _imports(image, layers[0], function, options.runs)
                for function in FUNCTIONS
            },
        }
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    print(report(results))


def report(results: dict[str, Any]) -> str:
    """Return the tables."""
    head = ("layer", "disk", "init", "floor", "ratio", "CPU of init", "floor", "ratio",
            "first request", "second", "event to answer")  # fmt: skip
    keys = ("layer", "disk", "init", "floor", "ratio", "init_cpu", "floor_cpu", "cpu_ratio",
            "first", "second", "total")  # fmt: skip
    rows = [[case[key] for key in keys] for case in results["cases"]]
    packages: dict[str, None] = {}
    for spent in results["imports"].values():
        packages |= dict.fromkeys(spent)
    by_function = [
        (package, *(spent.get(package, "") for spent in results["imports"].values()))
        for package in packages
    ]
    total = ("in all", *(sum(spent.values()) for spent in results["imports"].values()))
    return "\n\n".join((
        table("Cold start in the runtime emulator, ms", head, rows),
        f"The layer: {results['layer_mb']:.1f} MB, of which {results['bytecode_mb']:.1f} bytecode.",
        table("Import time by package, ms (-X importtime slows it)",
              ("package", *results["imports"]), [*by_function, total]),
    ))  # fmt: skip


def _layers(folder: Path) -> tuple[Path, Path]:
    """Build the layer, and make a copy without bytecode; both are named after what they have."""
    compiled, plain = folder / "with .pyc", folder / "without .pyc"
    said = build_layer(compiled)
    if "no bytecode" in said:
        sys.exit(said)
    shutil.copytree(compiled, plain, ignore=shutil.ignore_patterns("__pycache__"))
    return compiled, plain


def _case(
    start: Callable[[str, bool], Figures], layer: str, disk: str, runs: int
) -> dict[str, Any]:
    is_cold = disk == "cold"
    found: dict[str, list[Figures]] = {"app": [], "floor": []}
    for number in range(runs + 1):
        for side in found if number % 2 else reversed(found):
            found[side].append(start(side, is_cold))
    # The first of each brings the disk's pages in, and made the stream.
    ours, floor = found["app"][1:], found["floor"][1:]
    ratios = [one["init"] / other["init"] for one, other in zip(ours, floor, strict=True)]
    least = [min(one["init_cpu"] for one in side) for side in (ours, floor)]
    return {
        "layer": layer,
        "disk": disk,
        **{key: statistics.median(one[key] for one in ours) for key in ours[0]},
        "floor": statistics.median(one["init"] for one in floor),
        "ratio": statistics.median(ratios),
        "init_cpu": least[0],
        "floor_cpu": least[1],
        "cpu_ratio": least[0] / least[1],
    }


def _start(image: str, layer: Path, running: Servers, side: str, is_cold: bool) -> Figures:
    """Start one sandbox, send it two events, and return milliseconds."""
    event = json.loads(EVENT.read_text())
    event["body"] = json.dumps({"path": "bench/steps-3", "payload": {"name": "Ada"}})
    environment = {
        "DATABASE_URL": running.database_url,
        "NATS_URL": running.nats_url,
        "NATS_MANAGE_STREAM": "true",
        "PUBLIC_SERVER_URL": "http://localhost:8082",
        "PROBED": side,
    }
    with (
        _task("execute") as task,
        sandbox(image, layer, task, "probe.lambda_handler", environment) as started,
    ):
        if is_cold:
            _drop_caches()
        total, first = started.invoke(event)
        _, second = started.invoke(event)
    if first["answer"]["statusCode"] != 200:
        raise RuntimeError(first["answer"])
    return {
        "init": first["init"],
        "init_cpu": first["init_cpu"],
        "first": first["request"],
        "second": second["request"],
        "total": total,
    }


@contextmanager
def _task(function: str) -> Iterator[Path]:
    """Make a folder with the function's code, the floor, and the probe."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(ROOT / "functions" / function / "app.py", folder)
        shutil.copy(PROBE / "probe.py", folder)
        (folder / "floor.py").write_text(FLOOR)
        yield folder


def _imports(image: str, layer: Path, function: str, runs: int) -> Figures:
    """Return milliseconds by package, of each module the least of the runs."""
    least: dict[str, tuple[int, int, str]] = {}
    with _task(function) as task:
        for _ in range(runs):
            said = run_python(image, layer, task, "-X", "importtime", "-c", "import app")
            for itself, all_of_it, indent, name in LINE.findall(said):
                least[name] = min(
                    (int(itself), int(all_of_it), indent), least.get(name, (10**9, 0, ""))
                )
    if function == "execute":
        lines = [f"{a:>8} | {b:>8} | {indent}{name}" for name, (a, b, indent) in least.items()]
        head = "python -X importtime of functions/execute, µs: the least of each module\n"
        IMPORT_TIMES.write_text("\n".join((head, *lines, "")))
    spent: Figures = {}
    for name, (itself, _, _) in least.items():
        top = name.partition(".")[0]
        package = "standard library" if top in sys.stdlib_module_names else top
        package = "control_plane" if package == "app" else package
        spent[package] = spent.get(package, 0) + itself / 1000
    shown = sorted(spent.items(), key=lambda item: -item[1])
    return {package: milliseconds for package, milliseconds in shown if milliseconds >= 0.5}


def _can_drop_caches() -> bool:
    """Tell whether this machine lets us make its disk cold, and say so when not."""
    try:
        _drop_caches()
    except OSError as error:
        print(f"The disk cannot be made cold: {error}", file=sys.stderr)
        return False
    return True


def _drop_caches() -> None:
    subprocess.run(["sync"], check=True)  # noqa: S607
    DROP_CACHES.write_text("3\n")


def _size(layer: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in layer.rglob(pattern) if path.is_file())


if __name__ == "__main__":
    main()
