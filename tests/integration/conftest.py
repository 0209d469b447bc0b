"""The trigger function, which sees Postgres and NATS through proxies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import Function, read_template
from tests.fixtures_nats import Broker
from tests.fixtures_postgres import PostgresBackend
from tests.integration.deliveries import PATH
from tests.proxies.nats import NatsProxy
from tests.proxies.postgres import PostgresProxy


@pytest.fixture
def wire(app_database_url: str) -> Iterator[PostgresProxy]:
    with PostgresProxy(app_database_url) as wire:
        yield wire


@pytest.fixture
def nats(broker: Broker) -> Iterator[NatsProxy]:
    broker.add_stream()
    with NatsProxy(broker.url) as proxy:
        yield proxy


@pytest.fixture
def function(
    postgres: PostgresBackend, wire: PostgresProxy, nats: NatsProxy, repository: Path
) -> Function:
    """The trigger function; the playbook that `deliveries` ask for is registered."""
    hello_world = repository / "playbooks" / "hello_world.yaml"
    postgres.add_entry(PATH, 1, hello_world.read_text(), None)
    variables = {
        "DATABASE_AUTH": "url",
        "DATABASE_URL": wire.url,
        "NATS_URL": nats.url,
        "PUBLIC_SERVER_URL": "https://noetl.example.com",
    }
    template = read_template(repository / "template.yaml", environment={"*": variables})
    return template.functions["TriggerFunction"]
