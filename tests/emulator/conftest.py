from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.nats import NatsServer
from local.postgres import PostgresServer
from local.template import read_template
from tests.emulator.emulated import EmulatedFunction
from tests.installation import Installation
from tests.queue_server import QueueServer


@pytest.fixture(scope="session")
def emulator(sam_environment: Path) -> Path:
    """The emulator's program, which comes with the SAM CLI."""
    if sys.platform != "linux":
        pytest.skip("the emulator of the Lambda runtime is a Linux program")
    architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    pattern = f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}"
    (program,) = sam_environment.glob(pattern)
    return program


@pytest.fixture(scope="session")
def installation(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("emulator")
    postgres = PostgresServer(folder / "postgres", durable=False)
    queue = QueueServer(folder / "dead-letters.jsonl")
    with postgres, NatsServer(folder / "nats") as nats, queue:
        hello_world = repository / "playbooks" / "hello_world.yaml"
        yield Installation(postgres, nats, queue, hello_world)


@pytest.fixture(scope="session")
def emulated(
    emulator: Path,
    installation: Installation,
    repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], EmulatedFunction]]:
    """Return a function by its name, started when it is first asked for."""
    template = read_template(repository / "template.yaml", environment=installation.environment())
    running: dict[str, EmulatedFunction] = {}
    with ExitStack() as stack:

        def emulated(name: str) -> EmulatedFunction:
            if name not in running:
                log = tmp_path_factory.mktemp("emulated") / f"{name}.log"
                function = EmulatedFunction(emulator, template.functions[name], log)
                running[name] = stack.enter_context(function)
            return running[name]

        yield emulated
