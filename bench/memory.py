"""Memory of a sandbox: of a process of its own for each case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from bench.servers import Servers, payload
from bench.turns import SIDES

STARTS = 100
CASES = (
    ("3 steps, 100 B", "bench/steps-3", 100),
    ("1,000 steps, 100 B", "bench/steps-1000", 100),
    ("3 steps, 200 KB", "bench/steps-3", 200_000),
)


def memory(servers: Servers) -> list[dict[str, Any]]:
    """Return the resident memory in MB: after init, and at the peak of 100 starts."""
    return [
        {"case": name, **{side: _measure(servers, side, path, size) for side in SIDES}}
        for name, path, size in CASES
    ]


def _measure(servers: Servers, side: str, path: str, size: int) -> dict[str, float]:
    order = {
        "urls": [servers.database_url, servers.nats_url],
        "side": side,
        "path": path,
        "payload": payload(size),
        "starts": STARTS,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.sandbox"],
        input=json.dumps(order),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))
