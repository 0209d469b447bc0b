"""What a start costs in figures that are the same on every machine; see docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bench.servers import Servers, servers
from bench.wire import wire


@pytest.fixture(scope="module")
def running() -> Iterator[Servers]:
    with pytest.MonkeyPatch.context() as environment, servers() as both:
        for name in ("DATABASE_URL", "NATS_URL", "NATS_MANAGE_STREAM", "PUBLIC_SERVER_URL"):
            environment.setenv(name, "")  # undone at the end, whatever the bench sets
        yield both


@pytest.fixture(scope="module")
def figures(running: Servers) -> dict[str, dict[str, float]]:
    return wire(running)


@pytest.fixture
def start(figures):
    return figures["one start"]


@pytest.fixture
def batch(figures):
    return figures["batch of 10"]


def test_a_start_is_two_round_trips_and_one_publish(start):
    assert start["round_trips"] == 2
    assert start["publishes"] == 1
    assert start["other_nats_commands"] == 0


def test_a_start_commits_once(start):
    # A sequence writes to the log at every 32nd draw, which makes a writer of every eighth lookup.
    assert 1 <= start["writing_transactions"] < 1.15


def test_a_start_waits_for_the_disk_once(start):
    assert 0 < start["disk_flushes"] <= 1  # the server's own flush may take some along


def test_a_start_sends_few_bytes(start):
    assert start["database_bytes"] < 2_110
    assert start["nats_bytes"] < 375


def test_a_start_makes_few_calls(start):
    # Counted on Python 3.11; the same in every run of one Python with the same packages.
    assert start["function_calls"] < 1_350


def test_a_start_holds_little_memory_and_leaves_none_behind(start):
    assert start["peak_allocated_bytes"] < 24_000
    assert start["blocks_left_behind"] < 0.8


def test_a_batch_is_two_round_trips_too_and_one_wait_for_the_disk(batch):
    assert batch["round_trips"] == 2
    assert batch["publishes"] == 10
    assert batch["other_nats_commands"] == 0
    assert 0 < batch["disk_flushes"] <= 1


def test_a_batch_costs_less_than_its_starts_one_by_one(start, batch):
    assert batch["database_bytes"] < 10 * 0.75 * start["database_bytes"]
    assert batch["function_calls"] < 10 * 0.87 * start["function_calls"]


def test_a_lookup_does_not_wait_for_the_disk(running):
    with psycopg.connect(running.database_url) as connection:
        connection.execute(
            "SELECT noetl_serverless.resolve_start('k', NULL, 'bench/steps-3', NULL)"
        )
        (setting,) = connection.execute("SHOW synchronous_commit").fetchone()
        assert setting == "off"
        connection.commit()
        (setting,) = connection.execute("SHOW synchronous_commit").fetchone()
        assert setting == "on"
