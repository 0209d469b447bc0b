"""What a page of ``GET /api/executions`` costs while the event log grows to a million events.

Makes a PostgreSQL of its own, fills the log in steps, and takes for each step and each kind of page
the median time of five calls of the store and the 8 KB blocks that the statement touched; then the
plan of the first page, and the time that all indexes take to be made.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from control_plane.monitor.execution_log import ExecutionFilter, Position
from control_plane.monitor.execution_status import Status
from control_plane.postgres.connection import Database
from control_plane.postgres.execution_log import PostgresExecutionLog
from control_plane.postgres.migrate import migrate
from control_plane.postgres.sql import indexes, statement
from control_plane.settings import DatabaseSettings
from local.postgres import PostgresServer

EVENTS_PER_EXECUTION = 25
PLAYBOOKS, VERSIONS = 200, 3
BEGIN = datetime(2026, 1, 1)
REPEATS = 5
FULL_EVENTS = (10_000, 100_000, 1_000_000)

FILL_CATALOG = """
INSERT INTO noetl.catalog (catalog_id, path, version, kind, content)
SELECT playbook * 10 + version, 'bench/' || playbook, version, 'playbook', 'kind: Playbook'
FROM generate_series(1, %(playbooks)s::integer) AS playbook,
     generate_series(1, %(versions)s::integer) AS version
"""

# One execution a second, each with five steps. One in three was started by another NoETL server,
# one in twenty is a child of the one before, one in a hundred has failed, one in ten thousand was
# cancelled, and one in five hundred still runs.
FILL_LOG = """
INSERT INTO noetl.event
    (execution_id, event_id, catalog_id, parent_execution_id, created_at, event_type, node_id,
     node_name, node_type, status, context)
SELECT n::bigint << 23, (n::bigint << 23) + place,
       (1 + n %% %(playbooks)s) * 10 + 1 + n %% %(versions)s,
       CASE WHEN place = 1 AND n %% 20 = 0 THEN (n - 1)::bigint << 23 END,
       %(begin)s::timestamp + n * interval '1 second' + place * interval '10 ms',
       CASE WHEN place = 1 AND n %% 3 = 0 THEN 'playbook.initialized'
            WHEN place = 1 THEN 'playbook_started'
            WHEN place = %(events)s AND n %% 100 = 0 THEN 'playbook.failed'
            WHEN place = %(events)s AND n %% 10000 = 1 THEN 'execution.cancelled'
            WHEN place = %(events)s AND n %% 500 <> 2 THEN 'playbook.completed'
            ELSE (ARRAY['command.issued', 'command.claimed', 'command.started',
                        'command.completed', 'step.exit'])[1 + place %% 5] END,
       'step', 'step ' || place / 5, 'python', 'DONE',
       CASE WHEN place %% 5 = 0 THEN jsonb_build_object('text', repeat('x', 300)) END
FROM generate_series(%(first)s::integer, %(last)s::integer) AS n,
     generate_series(1, %(events)s::integer) AS place
"""


class Recorder:
    """Stands in for a database, and keeps what would have been sent."""

    parameters: Mapping[str, Any] = {}

    def fetch_all(self, _: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Keep the parameters; there are no rows."""
        self.parameters = parameters
        return []


def pages(executions: int) -> dict[str, tuple[ExecutionFilter, Position | None]]:
    """Return the kinds of page: what is asked for, and where the page begins."""
    middle = Position(BEGIN + timedelta(seconds=executions // 2), executions // 2 << 23)
    hour = BEGIN + timedelta(seconds=executions // 2)
    return {
        "the newest": (ExecutionFilter(), None),
        "by cursor, from the middle": (ExecutionFilter(), middle),
        "started before the middle": (ExecutionFilter(started_before=hour), None),
        "of one playbook": (ExecutionFilter(path="bench/7"), None),
        "children of one": (
            ExecutionFilter(parent_execution_id=(executions // 40 * 20 - 1) << 23),
            None,
        ),
        "completed": (ExecutionFilter(status=Status.COMPLETED), None),
        "failed (1 in 100)": (ExecutionFilter(status=Status.FAILED), None),
        "cancelled (1 in 10,000)": (ExecutionFilter(status=Status.CANCELLED), None),
        "failed, of one playbook": (
            ExecutionFilter(path="bench/101", status=Status.FAILED),
            None,
        ),
    }


def explain(
    connection: psycopg.Connection[Any], wanted: ExecutionFilter, after: Position | None, how: str
) -> list[Any]:
    """Run a page's statement under EXPLAIN and return what it says."""
    recorder = Recorder()
    PostgresExecutionLog(recorder).page(wanted, 50, after=after)  # type: ignore[arg-type]
    text = b"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, " + how.encode() + b") "
    rows = connection.execute(text + statement("list_executions"), recorder.parameters)
    return [row for (row,) in rows.fetchall()]


def blocks(plan: list[Any]) -> int:
    """Return the blocks that a statement touched."""
    top = plan[0][0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])


def measure(
    connection: psycopg.Connection[Any], log: PostgresExecutionLog, events: int
) -> list[dict[str, Any]]:
    """Return what each kind of page costs."""
    figures = []
    for name, (wanted, after) in pages(events // EVENTS_PER_EXECUTION).items():
        times = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            page = log.page(wanted, 50, after=after)
            times.append(time.perf_counter() - begin)
        touched = blocks(explain(connection, wanted, after, "FORMAT JSON"))
        figures.append({
            "events": events, "page": name, "executions": len(page.executions),
            "ms": statistics.median(times) * 1000, "blocks": touched,
        })  # fmt: skip
    return figures


def fill(connection: psycopg.Connection[Any], first: int, last: int) -> None:
    """Append executions, and let the server learn of them."""
    parameters = {"first": first, "last": last, "begin": BEGIN, "events": EVENTS_PER_EXECUTION}
    connection.execute(FILL_LOG, {**parameters, "playbooks": PLAYBOOKS, "versions": VERSIONS})
    connection.execute("VACUUM ANALYZE noetl.event")


def listing(sizes: Sequence[int] = FULL_EVENTS) -> dict[str, Any]:
    """Return the figures of each page at each size.

    :param sizes: numbers of events, ascending
    """
    figures: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer(Path(folder) / "postgres", durable=False) as server,
        psycopg.connect(server.url, autocommit=True) as connection,
    ):
        migrate(server.url, "bench_app")
        connection.execute(FILL_CATALOG, {"playbooks": PLAYBOOKS, "versions": VERSIONS})
        database = Database(DatabaseSettings(database_url=server.url))
        last = 0
        for size in sizes:
            fill(connection, last + 1, size // EVENTS_PER_EXECUTION)
            last = size // EVENTS_PER_EXECUTION
            figures += measure(connection, PostgresExecutionLog(database), size)
        database.close()
        plan = explain(connection, ExecutionFilter(), None, "COSTS OFF")
        connection.execute("DROP INDEX noetl." + ", noetl.".join(indexes()))
        begin = time.perf_counter()
        migrate(server.url, "bench_app")
        return {"pages": figures, "plan": plan, "indexes_s": time.perf_counter() - begin}
