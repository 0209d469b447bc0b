"""Messages of a queue on PostgreSQL: what a batch costs on the wire, and how large it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from control_plane.postgres.connection import Database
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.settings import DatabaseSettings
from control_plane.triggers.handler import TriggerHandler
from tests.fixtures_postgres import PostgresBackend
from tests.integration.postgres.wire import Wire, wiretapped
from tests.unit.control_plane import PATH, PLAYBOOK
from tests.unit.triggers.trigger_plane import TriggerPlane, message

MIB = 1024 * 1024


class TriggerOnPostgres(TriggerPlane):
    """The trigger function on a real database; the workers and the dead letters are fakes."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        store = PostgresExecutionStore(database, hold_days=14)
        self.starter = replace(self.starter, store=store)
        self.handler = TriggerHandler(self.starter, self.dead_letters, PATH)


@pytest.fixture
def wire(app_database_url: str) -> Iterator[Wire]:
    with wiretapped(app_database_url) as wire:
        yield wire


@pytest.fixture
def plane(postgres: PostgresBackend, wire: Wire) -> Iterator[TriggerOnPostgres]:
    postgres.add_entry(PATH, 1, PLAYBOOK, None)
    database = Database(DatabaseSettings(database_url=wire.url))
    assert database.probe() == ("ok", "ok")
    database.fetch("schema_version", {}, repeatable=True)
    wire.take()
    yield TriggerOnPostgres(database)
    database.close()


def round_trips(wire: Wire) -> int:
    """Each is one Sync."""
    return [kind for kind, _ in wire.take()].count(b"S")


def a_body_of(size: int, number: int) -> str:
    head, tail = f'{{"path":"{PATH}","payload":{{"n":{number},"x":"', '"}}'
    return head + "x" * (size - len(head) - len(tail)) + tail


@pytest.mark.parametrize("number", [1, 10])
def test_the_messages_of_a_batch_are_two_round_trips_together(postgres, plane, wire, number):
    batch = [message(f"m{place}") for place in range(number)]
    assert plane.deliver(*batch) == []
    assert round_trips(wire) == 2
    assert plane.deliver(*batch) == []
    assert round_trips(wire) == 1
    assert len(postgres.started()) == number
    assert plane.notifier.calls == 1


def test_a_batch_with_bad_messages_is_two_round_trips_too(postgres, plane, wire):
    bad = [message("b1", "no JSON"), message("b2", {"path": "none"}), message("b3", "42")]
    assert plane.deliver(message("m1"), *bad, message("m2")) == []
    assert round_trips(wire) == 2
    assert len(plane.dead_letters.letters) == 3
    assert len(postgres.started()) == 2


def test_messages_of_the_queue_s_largest_size_are_recorded_in_turns(postgres, plane, wire):
    # Lambda takes six MB of them at once.
    batch = [message(f"m{number}", a_body_of(MIB, number)) for number in range(5)]
    assert plane.deliver(*batch) == []
    assert len(postgres.started()) == 5
    assert round_trips(wire) <= 1 + 3
    sizes = postgres.column("SELECT length(context ->> 'workload') FROM noetl.event"
                            " WHERE event_type = 'playbook_started'")  # fmt: skip
    assert min(sizes) > MIB - 200


def test_a_playbook_that_is_removed_meanwhile_fails_alone(postgres, plane):
    gone = postgres.add_entry("gone", 1, PLAYBOOK, None)
    record_many = plane.starter.store.record_many

    def remove_first(starts):
        postgres.owner.execute("DELETE FROM noetl.catalog WHERE catalog_id = %s", (gone,))
        return record_many(starts)

    plane.starter.store.record_many = remove_first
    assert plane.deliver(message("m1"), message("m2", {"path": "gone"}), message("m3")) == []
    assert [letter.id for letter in plane.dead_letters.letters] == ["m2"]
    assert len(postgres.started()) == 2


def test_an_object_s_key_may_be_any_text(postgres, plane):
    keys = ["🧾" * 256, "a:b%3Ac", "new\nline", "\u202eright to left", "'; DROP TABLE x; --"]
    events = [
        {
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"bucket": {"name": "b"}, "object": {"key": key, "sequencer": "1"}},
        }
        for key in keys
    ]
    for _ in range(2):
        assert plane.deliver(*(message(f"m{n}", one) for n, one in enumerate(events))) == []
    assert len(postgres.started()) == len(keys)
    stored = postgres.column("SELECT octet_length(key) FROM noetl_serverless.start_request")
    assert max(stored) <= 1024


def test_messages_survive_a_reply_that_is_lost(postgres, plane, wire):
    plane.deliver(message("warm"))
    wire.lose_reply = True
    assert plane.deliver(message("m1"), message("m2")) == []
    assert plane.deliver(message("m1"), message("m2")) == []
    assert len(postgres.started()) == 3


def test_a_batch_while_the_database_is_away_is_delivered_again():
    nowhere = DatabaseSettings(database_url="postgresql://app@127.0.0.1:1/noetl")
    plane = TriggerOnPostgres(Database(nowhere))
    batch = [message("m1"), message("bad", "[]"), message("m2")]
    assert plane.deliver(*batch) == ["m1", "m2"]
    assert [letter.id for letter in plane.dead_letters.letters] == ["bad"]
