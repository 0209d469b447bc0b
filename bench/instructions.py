"""Counts the instructions of a start in this process, ours and the floor's: needs valgrind.

``python -m bench.instructions``; the count is that of user space, and hardly moves with the
machine's other work. A minute or two for each side.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.capacity import starter
from bench.handler import Handler
from bench.servers import Servers, servers
from bench.silence import silent
from bench.turns import SIDES

STARTS = 100


def main() -> None:
    """Count both sides."""
    with servers() as running, tempfile.TemporaryDirectory() as folder:
        for side in SIDES:
            profile = Path(folder) / side
            command = [
                "valgrind", "--tool=callgrind", "--dump-before=os_getloadavg",
                f"--callgrind-out-file={profile}",
                sys.executable, "-m", "bench.instructions", side, running.database_url,
                running.nats_url,
            ]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603
            # What came between the first mark and the second.
            found = re.search(r"^(?:totals|summary): (\d+)", Path(f"{profile}.2").read_text(), re.M)
            if found:
                print(f"{side}: {int(found[1]) / STARTS:,.0f} instructions a start")


def work(side: str, *urls: str) -> None:
    """Start executions between two marks."""
    start, _ = starter(Servers("", *urls), side)
    handler = getattr(start, "__self__", None)
    if isinstance(handler, Handler):  # valgrind takes its time
        handler.app.database._budget = handler.app.notifier._budget = 25
    with silent():
        for _ in range(30):
            start()
        os.getloadavg()
        for _ in range(STARTS):
            start()
        os.getloadavg()


if __name__ == "__main__":
    work(*sys.argv[1:]) if len(sys.argv) > 1 else main()
