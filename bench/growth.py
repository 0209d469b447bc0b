"""How a start's time changes with the catalog and with the history; it should not."""

from __future__ import annotations

from typing import Any

import psycopg

from bench.figures import percentile
from bench.floor import Floor
from bench.handler import Handler
from bench.servers import Servers, payload
from bench.turns import take_turns
from control_plane.json_text import Json

CATALOG = (10, 1_000, 10_000, 100_000)
EVENTS = (0, 100_000, 500_000)

FILL_CATALOG = """
INSERT INTO noetl.catalog (catalog_id, path, version, kind, content)
SELECT n, 'fill/' || n, 1, 'playbook', 'kind: Playbook' FROM generate_series(%s::int, %s::int) n
"""
FILL_EVENTS = """
INSERT INTO noetl.event (execution_id, event_id, catalog_id, event_type, node_name, status, context)
SELECT n / 25, n, (SELECT min(catalog_id) FROM noetl.catalog), 'command.completed', 'step', 'DONE',
       jsonb_build_object('text', repeat('x', 200))
FROM generate_series(%s::int, %s::int) n
"""


def growth(
    servers: Servers, events: tuple[int, ...] = EVENTS, starts: int = 150
) -> list[dict[str, Any]]:
    """Fill first the catalog, then the log, and return the medians at each size."""
    figures = []
    handler = Handler(servers.database_url, servers.nats_url)
    floor = Floor(servers.database_url, servers.nats_url)
    handler.body("bench/steps-3", payload(100))
    text = Json(payload(100)).text
    with psycopg.connect(servers.owner_url, autocommit=True) as connection:
        for what, fill, table, sizes in (
            ("catalog entries", FILL_CATALOG, "catalog", CATALOG),
            ("events", FILL_EVENTS, "event", events),
        ):
            held = 0
            for size in sizes:
                connection.execute(fill, (held + 1, size))
                connection.execute(f"VACUUM ANALYZE noetl.{table}")
                connection.execute("CHECKPOINT")
                held = size
                turns = take_turns(
                    handler.start, lambda: floor.start("bench/steps-3", text), starts
                )
                medians = {k: percentile(v, 50) / 1000 for k, v in turns.times.items()}
                figures.append({"what": what, "size": size, **medians,
                                "ratio": medians["ours"] / medians["floor"]})  # fmt: skip
    handler.close()
    floor.close()
    return figures
