"""What a start costs in figures that are the same on every machine; see docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bench.cold import imported_at_init
from bench.servers import servers
from bench.wire import wire


@pytest.fixture(scope="module")
def figures() -> Iterator[dict[str, float]]:
    with pytest.MonkeyPatch.context() as environment, servers() as running:
        for name in ("DATABASE_URL", "NATS_URL", "NATS_MANAGE_STREAM", "PUBLIC_SERVER_URL"):
            environment.setenv(name, "")  # undone at the end, whatever the bench sets
        yield wire(running)


def test_a_start_is_two_round_trips_and_one_publish(figures):
    assert figures["round_trips"] == 2
    assert figures["publishes"] == 1


def test_a_start_commits_once(figures):
    # A sequence writes to the log at every 32nd draw, which makes a writer of every eighth lookup.
    assert 1 <= figures["writing_transactions"] < 1.2


def test_a_lookup_does_not_wait_for_the_disk():
    with servers() as running, psycopg.connect(running.database_url) as connection:
        connection.execute(
            "SELECT noetl_serverless.resolve_start('k', NULL, 'bench/steps-3', NULL)"
        )
        (setting,) = connection.execute("SHOW synchronous_commit").fetchone()
        assert setting == "off"
        connection.commit()
        (setting,) = connection.execute("SHOW synchronous_commit").fetchone()
        assert setting == "on"


def test_a_start_sends_few_bytes(figures):
    assert figures["database_bytes"] < 3_000
    assert figures["nats_bytes"] < 600


def test_a_start_allocates_little(figures):
    assert figures["peak_allocated_bytes"] < 600_000


@pytest.mark.parametrize("package", ["boto3", "aws_xray_sdk", "jinja2", "email_validator"])
def test_init_does_not_import(package):
    assert package not in imported_at_init()


def test_init_leaves_the_openapi_machinery_alone():
    openapi = "aws_lambda_powertools.event_handler.openapi"
    heavy = {f"{openapi}.swagger_ui", f"{openapi}.dependant", "botocore.session"}
    assert not imported_at_init() & heavy
