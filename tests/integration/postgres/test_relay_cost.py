"""What the relay reads grows with what is due, not with what has ever been started."""

from __future__ import annotations

import pytest

from bench.listing import FILL_CATALOG, PLAYBOOKS, VERSIONS, blocks, fill
from control_plane.ports import CatalogReference, Notification
from control_plane.postgres.outbox import PostgresOutbox
from control_plane.postgres.sql import statement
from tests.contract.fake_store import a_start

SMALL, LARGE = 200, 4_000
"""Executions in the log before and after."""
KEYS = """
    INSERT INTO noetl_serverless.start_request
    SELECT execution_id, '', execution_id, '{}', now(), now() + interval '14 days'
    FROM noetl.event WHERE event_type = 'playbook_started'
    ON CONFLICT DO NOTHING
"""


class Counting:
    """A database that counts the blocks that each statement reads."""

    def __init__(self, connection):
        self._connection = connection
        self.blocks = {}

    def fetch_all(self, name, parameters):
        text = statement(name)
        with self._connection.transaction(force_rollback=True):
            explained = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + text
            self.blocks[name] = blocks(self._connection.execute(explained, parameters).fetchone())
        return self._connection.execute(text, parameters).fetchall()


def one_run(postgres):
    """Do all that a run does; returns the blocks by statement."""
    database = Counting(postgres.owner)
    outbox = PostgresOutbox(database, 300, 5, 86_400)
    outbox.acknowledge(outbox.lease(500, 30).due)
    look = outbox.look(1000)
    assert len(look.unclaimed) == 10
    outbox.renew(look, [Notification("s", str(n), "{}") for n in range(10)])
    outbox.settle_parked(1000)
    outbox.remove_expired_keys(1000)
    outbox.state()
    return database.blocks


@pytest.fixture
def start(postgres):
    entry = postgres.add_entry("examples/hello", 1, "kind: Playbook", None)
    store = postgres.execution_store()

    def record(key):
        ids = store.resolve(key, CatalogReference(None, "examples/hello"), None).ids
        assert store.record(a_start(ids, entry, key)) is None

    return record


def test_a_run_reads_no_more_because_there_have_been_more_starts(postgres, start):
    postgres.owner.execute(FILL_CATALOG, {"playbooks": PLAYBOOKS, "versions": VERSIONS})
    before, after = {}, {}
    for history, found in ((range(1, SMALL), before), (range(SMALL, LARGE), after)):
        fill(postgres.owner, history.start, history.stop - 1)
        postgres.owner.execute(KEYS)
        postgres.owner.execute("VACUUM ANALYZE")
        for number in range(10):
            start(f"{history.start}-{number}")
        postgres.pass_time(301)
        found.update(one_run(postgres))
        postgres.owner.execute("DELETE FROM noetl_serverless.outbox")
    assert before.keys() == after.keys()
    assert {name: read for name, read in after.items() if read > 1.5 * before[name] + 20} == {}
