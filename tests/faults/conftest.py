"""One process to fork sandboxes from, one world per test, and the sum of all histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from local.postgres import PostgresServer
from local.template import read_template
from tests.faults.sandboxes import Sandbox, Zygote
from tests.faults.tally import Tally
from tests.faults.world import World
from tests.fixtures_nats import Broker
from tests.fixtures_postgres import database_from

MakeWorld = Callable[..., World]


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    return Tally(request.node)


@pytest.fixture(scope="session")
def zygote(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    template = read_template(repository / "template.yaml")
    one = Zygote(template.functions, tmp_path_factory.mktemp("zygote"))
    yield one
    one.close()


@pytest.fixture
def make_world(  # noqa: PLR0917
    zygote: Zygote,
    postgres_server: PostgresServer,
    template_database: str,
    broker: Broker,
    tmp_path: Path,
    tally: Tally,
) -> Iterator[MakeWorld]:
    """Make an installation of this test's own; one at a time, since they share a broker."""
    numbers = count()
    with ExitStack() as worlds:

        def make(bug: str | None = None) -> World:
            owner_url = worlds.enter_context(database_from(template_database, postgres_server.url))
            folder = tmp_path / f"world-{next(numbers)}"
            folder.mkdir()
            world = World(zygote, owner_url, broker, folder, tally, bug)
            worlds.callback(world.close)
            return world

        yield make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def sandbox(world: World) -> Sandbox:
    """A warm one: it has started something before."""
    one = world.sandbox()
    assert world.start(one).status == 200
    return one


@pytest.fixture
def relay(world: World) -> Sandbox:
    return world.sandbox("RelayFunction")
