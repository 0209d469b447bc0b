"""A database and a broker as deployed functions find them, and what the functions leave in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from local.nats import NatsServer
from local.postgres import PostgresServer
from local.stack import prepare_database
from tests.fixtures_nats import Broker, StoredMessage
from tests.fixtures_postgres import administer, in_database
from tests.queue_server import QueueServer

CATALOG_ID = 658371920845275136
"""The entry of examples/hello_world that the sample events name."""
SERVER_URL = "https://noetl.example.com"
UNMIGRATED = "unmigrated"
NEW_VERSION = "arn:aws:lambda:eu-central-1:123456789012:function:ExecuteFunction:7"


@dataclass(frozen=True)
class Recorded:
    """What one start left behind."""

    key: str
    events: list[dict[str, Any]]
    commands: list[dict[str, Any]]
    messages: list[StoredMessage]


class Installation:
    """Two databases, one migrated and one empty, a broker with the workers' stream, and a queue.

    :ivar owner_url: the migrated database with its owner's login
    """

    def __init__(
        self,
        postgres: PostgresServer,
        nats: NatsServer,
        dead_letters: QueueServer,
        hello_world: Path,
    ) -> None:
        self.owner_url, self._app_url = prepare_database(postgres.url)
        self._empty_url = in_database(postgres.url, UNMIGRATED)
        self._postgres_url = postgres.url
        self._nats_url = nats.url
        self._dead_letters = dead_letters
        self._broker = Broker(nats)
        self._broker.add_stream()
        self._query(
            "INSERT INTO noetl.catalog (catalog_id, path, version, kind, content)"
            " VALUES (%s, 'examples/hello_world', 1, 'playbook', %s)",
            CATALOG_ID,
            hello_world.read_text(encoding="utf-8"),
        )

    def environment(self) -> dict[str, dict[str, str]]:
        """The variables of each function, by its name in the template."""
        notifies = {
            "DATABASE_AUTH": "url",
            "DATABASE_URL": self._app_url,
            "NATS_URL": self._nats_url,
            "PUBLIC_SERVER_URL": SERVER_URL,
        }
        return {
            "ExecuteFunction": notifies,
            "TriggerFunction": {
                **notifies,
                "DEAD_LETTER_QUEUE_URL": self._dead_letters.url,
                "DEFAULT_PATH": "examples/hello_world",
            },
            "RelayFunction": notifies,
            "CatalogFunction": {"DATABASE_AUTH": "url", "DATABASE_URL": self._app_url},
            "ExecutionsFunction": {"DATABASE_AUTH": "url", "DATABASE_URL": self._app_url},
            "MigrateFunction": {"DATABASE_AUTH": "url", "DATABASE_URL": self._empty_url},
            "PreTrafficFunction": {"NEW_VERSION": NEW_VERSION},
        }

    def add_execution(self, execution_id: int) -> None:
        """Have an execution of hello_world that runs, and another one beside it."""
        for number in (execution_id, execution_id - 100):
            self._query("DELETE FROM noetl.event WHERE execution_id = %s", number)
            for place, event_type, node in (
                (1, "playbook_started", "examples/hello_world"),
                (2, "command.issued", "start"),
            ):
                self._query(
                    "INSERT INTO noetl.event (execution_id, event_id, catalog_id, event_type,"
                    " node_name, context) VALUES (%s, %s, %s, %s, %s, %s)",
                    number,
                    number + place,
                    CATALOG_ID,
                    event_type,
                    node,
                    Jsonb({"workload": {"name": "Before"}}),
                )
        self._query(
            "DELETE FROM noetl_serverless.cancellation WHERE execution_id = %s", execution_id
        )

    def add_waiting_notification(self, execution_id: int, *, parked: bool = False) -> None:
        """Have a notification wait in the outbox, due or given up, and none beside it."""
        self._query("DELETE FROM noetl_serverless.outbox")
        self._query(
            "INSERT INTO noetl_serverless.outbox (command_id, execution_id, subject, message_id,"
            " body, created_at, due_at, parked_at) VALUES (%s, %s, %s, %s, '{}', now(), now(), %s)",
            execution_id + 3,
            execution_id,
            f"noetl.commands.shared.{execution_id}",
            f"{execution_id}:start:{execution_id + 2}",
            datetime.now(UTC) if parked else None,
        )

    def messages_of(self, execution_id: int) -> list[StoredMessage]:
        """Read the notifications of an execution."""
        return [
            message
            for message in self._broker.messages()
            if message.subject.endswith(f".{execution_id}")
        ]

    def recorded(self, execution_id: str) -> Recorded:
        """Read everything that belongs to an execution."""
        number = int(execution_id)
        (request,) = self._query(
            "SELECT key FROM noetl_serverless.start_request WHERE execution_id = %s", number
        )
        return Recorded(
            key=request["key"],
            events=self._query(
                "SELECT * FROM noetl.event WHERE execution_id = %s ORDER BY event_id", number
            ),
            commands=self._query("SELECT * FROM noetl.command WHERE execution_id = %s", number),
            messages=self.messages_of(number),
        )

    def executions(self) -> set[str]:
        """The executions that were started here."""
        rows = self._query("SELECT execution_id FROM noetl_serverless.start_request")
        return {str(row["execution_id"]) for row in rows}

    def greeted(self, execution_id: str) -> str:
        """The name that the worker of an execution of hello_world will greet."""
        (command,) = self._query(
            "SELECT context FROM noetl.command WHERE execution_id = %s", int(execution_id)
        )
        return str(command["context"]["tool_config"]["args"]["name"])

    def dead_letters(self) -> list[dict[str, Any]]:
        """The messages that could never start, oldest first."""
        return self._dead_letters.messages()

    def number_of_rows(self) -> int:
        """Count everything that a start or a registration writes."""
        tables = "noetl.event", "noetl.command", "noetl.catalog", "noetl_serverless.start_request"
        counts = [self._query(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables]
        return sum(counts) + len(self._broker.messages())

    def catalog_versions(self, path: str) -> list[int]:
        """The versions of a path, in order."""
        rows = self._query("SELECT version FROM noetl.catalog WHERE path = %s ORDER BY 1", path)
        return [row["version"] for row in rows]

    def empty_the_unmigrated_database(self) -> None:
        administer(self._postgres_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", UNMIGRATED)
        administer(self._postgres_url, "CREATE DATABASE {} TEMPLATE template0", UNMIGRATED)

    def schema_version_of_the_unmigrated_database(self) -> int:
        with psycopg.connect(self._empty_url) as connection:
            row = connection.execute(
                "SELECT max(version) FROM noetl_serverless.schema_version"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def _query(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.owner_url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []
