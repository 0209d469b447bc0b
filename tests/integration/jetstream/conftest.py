"""Notifiers that end with their test, and servers of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from control_plane.jetstream import JetStreamNotifier
from control_plane.ports import Notification
from control_plane.settings import NatsSettings
from local.nats import NatsServer
from local.server import choose_port
from tests.fixtures_nats import Broker
from tests.proxies.nats import NatsProxy

MakeNotifier = Callable[..., JetStreamNotifier]
StartServer = Callable[..., NatsServer]


@pytest.fixture
def make_notifier() -> Iterator[MakeNotifier]:
    """``make_notifier(url, nats_manage_stream=True, …, budget=1.0, …)``."""
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> JetStreamNotifier:
            given = {key: options.pop(key) for key in [*options] if key.startswith("nats_")}
            notifier = JetStreamNotifier(NatsSettings(nats_url=url, **given), **options)
            return stack.enter_context(closing(notifier))

        yield make


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """``start_server(config)`` with an own folder; started again, it has its port again."""
    numbers = count()
    with ExitStack() as stack:

        def start(
            extra_config: str = "", *, auth: bool = True, port: int | None = None
        ) -> NatsServer:
            server = NatsServer(
                tmp_path / f"nats-{next(numbers)}",
                port=port or choose_port(("127.0.0.1",), None, "nats"),
                extra_config=extra_config,
                auth=auth,
            )
            return stack.enter_context(server)

        yield start


@pytest.fixture
def broker_of() -> type[Broker]:
    """``broker_of(server)``: what a test asks of a server of its own."""
    return Broker


@pytest.fixture
def proxy_to() -> Iterator[Callable[[str], NatsProxy]]:
    """``proxy_to(url)``: a proxy before the server there."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(NatsProxy(url))


@pytest.fixture
def notification() -> Notification:
    return make_notification()


def make_notification(number: int = 1, segment: str = "shared") -> Notification:
    return Notification(
        subject=f"noetl.commands.{segment}.{number}",
        message_id=f"{number}:start:{number + 1}",
        body=f'{{"execution_id": {number}, "event_id": {number + 1}, "step": "start"}}',
    )
