"""A dry run goes all the way on PostgreSQL and NATS, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from control_plane.assembly import dry_runner, execution_starter
from control_plane.errors import PlaybookNotFound, SchemaNotReady, StoreUnavailable
from control_plane.jetstream import JetStreamNotifier
from control_plane.ports import CatalogReference
from control_plane.postgres.connection import Database
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.release import CANARY_PATH
from control_plane.requests import Caller, ExecuteRequest
from control_plane.settings.execute import ExecuteSettings
from tests.proxies.postgres import PostgresProxy

CALLER = Caller("direct", "anonymous", "request-1")
COUNTS = """
    SELECT (SELECT count(*) FROM noetl.event), (SELECT count(*) FROM noetl.command),
        (SELECT count(*) FROM noetl.catalog), (SELECT count(*) FROM noetl_serverless.outbox),
        (SELECT count(*) FROM noetl_serverless.start_request)
"""


class Plane:
    def __init__(self, url: str) -> None:
        self.settings = ExecuteSettings(database_url=url, public_server_url="https://noetl")
        self.database = Database(self.settings)
        self.notifier = JetStreamNotifier(self.settings)
        self.starter = execution_starter(self.settings, self.database, self.notifier)

    def run(self, path: str = CANARY_PATH):
        runner = dry_runner(self.settings, self.database, self.notifier, self.starter)
        return runner.run(ExecuteRequest(path=path), CALLER)


@pytest.fixture
def plane(app_database_url: str) -> Iterator[Plane]:
    plane = Plane(app_database_url)
    yield plane
    plane.database.close()


def counts(url: str) -> tuple[int, ...]:
    with psycopg.connect(url) as connection:
        return connection.execute(COUNTS).fetchone() or ()


def test_the_canary_passes_without_an_entry_and_leaves_no_row(plane, database_url):
    before = counts(database_url)
    assert plane.run() == {
        "status": "dry run",
        "commands_generated": 1,
        "nats": "not configured",
    }
    assert counts(database_url) == before


def test_a_dry_run_sends_what_a_start_sends_and_takes_it_back(app_database_url):
    with PostgresProxy(app_database_url) as wire:
        plane = Plane(wire.url)
        plane.run()
        sent = b"".join(message for _, message in wire.take())
        plane.database.close()
    said = [sent.index(word) for word in (b"BEGIN", b"register_playbook", b"resolve_start")]
    said += [sent.index(word) for word in (b"record_start", b"ROLLBACK")]
    assert said == sorted(said)
    assert b"COMMIT" not in sent
    assert b"DEALLOCATE" not in sent


def test_after_a_dry_run_the_same_sandbox_starts_for_good(plane, postgres, database_url):
    postgres.add_entry("examples/hello", 1, HELLO, None)
    plane.run()
    request = ExecuteRequest(path="examples/hello")
    execution = plane.starter.start(request, CALLER)
    assert execution.replayed is False
    assert counts(database_url)[0] == 2


def test_what_a_start_would_refuse_a_dry_run_refuses(plane):
    with pytest.raises(PlaybookNotFound):
        plane.run("examples/no_such_playbook")


def test_a_right_that_the_migration_did_not_grant_is_noticed(plane, database_url):
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("REVOKE INSERT ON noetl.command FROM noetl_serverless_app")
    with pytest.raises(SchemaNotReady):
        plane.run()


def test_a_connection_that_is_lost_is_not_replaced_by_one_that_would_commit(
    plane, postgres, database_url
):
    plane.run()

    def look_up_after_a_loss() -> None:
        with plane.database.rolled_back() as statements:
            with psycopg.connect(database_url, autocommit=True) as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = 'noetl_serverless_app' AND datname = current_database()"
                )
            store = PostgresExecutionStore(statements, hold_days=14)
            store.resolve("key", CatalogReference(None, "examples/hello"), None)

    with pytest.raises(StoreUnavailable):
        look_up_after_a_loss()
    assert plane.run()["status"] == "dry run"


HELLO = """\
apiVersion: noetl.io/v2
kind: Playbook
metadata: {name: hello, path: examples/hello}
workflow:
  - step: start
    tool: {kind: noop}
"""
