"""Tells what the database's sessions do while eight processes start executions at once.

``python -m bench.waits`` prints, for ours and the floor, for what part of the time a session was at
work, waited for the log, for a lock, or for its client.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import psycopg

from bench.capacity import together
from bench.servers import Servers, servers
from bench.turns import SIDES

PROCESSES = 8
SECONDS = 10.0
LOOK = """
SELECT CASE WHEN state = 'idle' THEN 'for the client'
            WHEN wait_event_type IS NULL THEN 'at work'
            WHEN wait_event IN ('WalSync', 'WALWrite', 'WalWrite') THEN 'for the log'
            ELSE 'for ' || wait_event_type || ' ' || wait_event END
FROM pg_stat_activity
WHERE pid <> pg_backend_pid()
  AND (query LIKE '%record%' OR query LIKE '%resolve_start%' OR query LIKE '%noetl.catalog%')
"""


def waits(running: Servers, side: str) -> tuple[float, dict[str, float]]:
    """Return starts a second, and what sessions do, as parts of all that was seen."""
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def look() -> None:
        with psycopg.connect(running.owner_url, autocommit=True) as owner:
            while not stop.is_set():
                seen.update(row[0] for row in owner.execute(LOOK))
                time.sleep(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        result: dict[str, Any] = together(running, side, PROCESSES, SECONDS)
    finally:
        stop.set()
        thread.join()
    parts = {what: number / seen.total() for what, number in seen.most_common()}
    return result["starts_per_second"], parts


def main() -> None:
    """Print both sides."""
    with servers() as running:
        for side in SIDES:
            starts, parts = waits(running, side)
            told = ", ".join(f"{what} {part:.1%}" for what, part in parts.items())
            print(f"{side}: {starts:.0f} starts a second; sessions {told}")


if __name__ == "__main__":
    main()
