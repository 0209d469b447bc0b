"""PostgreSQL and nats-server as a start meets them, flushing to disk, with playbooks in them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.floor import prepare_floor
from local.nats import NatsServer
from local.postgres import PostgresServer
from local.stack import prepare_database


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses with logins: of the schema's owner, of the functions, of NATS."""

    owner_url: str
    database_url: str
    nats_url: str


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Run both in a temporary folder, with ``bench/steps-3`` and ``bench/steps-1000``."""
    with (
        tempfile.TemporaryDirectory() as name,
        PostgresServer(open_to_all(Path(name)) / "postgres") as postgres,
        NatsServer(Path(name) / "nats") as nats,
    ):
        yield filled(postgres, nats)


def filled(postgres: PostgresServer, nats: NatsServer) -> Servers:
    """Make schema and playbooks on servers that run."""
    owner_url, database_url = prepare_database(postgres.url)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        prepare_floor(connection)
        for steps in (3, 1000):
            add_playbook(connection, f"bench/steps-{steps}", playbook(steps))
    return Servers(owner_url, database_url, nats.url)


def open_to_all(folder: Path) -> Path:
    """Let a server in that is not run by this account: as root, PostgreSQL is not."""
    folder.chmod(0o755)
    return folder


def playbook(steps: int) -> str:
    """Return a playbook of so many steps, of which a start renders the first."""
    head = "apiVersion: noetl.io/v2\nkind: Playbook\nmetadata: {name: bench, path: bench/p}\n"
    first = (
        "workflow:\n- step: start\n  tool:\n    kind: python\n"
        "    args: {name: '{{ workload.name }}'}\n    code: |\n      result = {'greeting': name}\n"
    )
    rest = "".join(
        f"- step: step_{number}\n  tool: {{kind: python, code: 'result = {number}'}}\n"
        for number in range(2, steps + 1)
    )
    return head + "workload: {name: nobody}\n" + first + rest


def add_playbook(connection: psycopg.Connection[Any], path: str, content: str) -> None:
    """Put a playbook into the catalog as it is."""
    connection.execute(
        "INSERT INTO noetl.catalog (path, version, kind, content) VALUES (%s, 1, 'playbook', %s)",
        (path, content),
    )


def payload(size: int) -> dict[str, Any]:
    """Return a payload of about so many bytes."""
    items = [
        {"id": n, "name": "abcdefghijklmnopqrst", "value": 1.5} for n in range(max(1, size // 52))
    ]
    return {"name": "Ada", "items": items}
