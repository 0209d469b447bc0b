"""Databases that hold a lot of one thing, beside an empty one, all on the same server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.floor import prepare_floor
from bench.listing import BEGIN, EVENTS_PER_EXECUTION, FILL_LOG
from bench.servers import Servers, add_playbook, playbook
from control_plane.postgres.migrate import migrate
from local.stack import APP_ROLE

EMPTY = "growth_empty"
STEPS = (3, 100, 1000)
ENTRIES = 10
"""Catalog entries of the empty database, those of `STEPS` among them."""

FILL_CATALOG = """
INSERT INTO noetl.catalog (catalog_id, path, version, kind, content)
SELECT n, 'fill/' || n, 1, 'playbook', 'kind: Playbook'
FROM generate_series(1 + (SELECT count(*) FROM noetl.catalog), %(size)s::integer) n
"""
FILL_KEYS = """
INSERT INTO noetl_serverless.start_request
    (key, fingerprint, execution_id, answer, created_at, expires_at)
SELECT 'http:anonymous:' || md5(n::text), decode(md5(n::text) || md5(n::text), 'hex'), n,
       jsonb_build_object('execution_id', n::text, 'status', 'started', 'commands_generated', 1),
       at, at + interval '14 days'
FROM generate_series(1, %(size)s::integer) n,
     LATERAL (SELECT now() - interval '13 days' * n / %(size)s::integer AS at) AS times
"""
FILL_OUTBOX = """
INSERT INTO noetl_serverless.outbox
    (command_id, execution_id, subject, message_id, body, created_at, due_at)
SELECT n, n, 'noetl.commands.shared.' || n, n || ':start:' || n, '{"execution_id": ' || n || '}',
       now(), now() + interval '1 ms' * n
FROM generate_series(1, %(size)s::integer) n
"""
FILLS = {
    "catalog entries": (FILL_CATALOG, "noetl.catalog"),
    "events": (FILL_LOG, "noetl.event"),
    "idempotency keys": (FILL_KEYS, "noetl_serverless.start_request"),
    "waiting notifications": (FILL_OUTBOX, "noetl_serverless.outbox"),
}
"""What can grow: the statement that makes it, and its table."""


def make_empty(servers: Servers) -> str:
    """Make a database of 10 catalog entries and nothing else; return the functions' URL."""
    _create(servers, EMPTY)
    owner_url = _of(servers.owner_url, EMPTY)
    migrate(owner_url, APP_ROLE)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        prepare_floor(connection)
        for steps in STEPS:
            add_playbook(connection, f"bench/steps-{steps}", playbook(steps))
        connection.execute(FILL_CATALOG, {"size": ENTRIES})
        connection.execute("VACUUM ANALYZE noetl.catalog")
    return _of(servers.database_url, EMPTY)


def make_filled(servers: Servers, what: str, size: int) -> str:
    """Make a copy of the empty database that has so many of one thing; return its URL.

    With the indexes that the migration makes; foreign keys are not checked meanwhile.
    """
    name = f"growth_{what.replace(' ', '_')}_{size}"
    _create(servers, name, template=EMPTY)
    fill, table = FILLS[what]
    with psycopg.connect(_of(servers.owner_url, name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute(fill, _parameters(what, size))
        connection.execute(f"VACUUM ANALYZE {table}")
    return _of(servers.database_url, name)


def _parameters(what: str, size: int) -> Mapping[str, Any]:
    if what != "events":
        return {"size": size}
    last = size // EVENTS_PER_EXECUTION
    return {
        "first": 1, "last": last, "begin": BEGIN, "events": EVENTS_PER_EXECUTION,
        "playbooks": 1, "versions": 1,
    }  # fmt: skip


def _create(servers: Servers, name: str, template: str = "template1") -> None:
    with psycopg.connect(servers.owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


def _of(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
