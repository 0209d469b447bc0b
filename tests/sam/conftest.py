"""A real `sam build`, and servers that its containers can reach."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.nats import NatsServer
from local.ports import choose_port
from local.postgres import PostgresServer
from tests.installation import Installation
from tests.queue_server import QueueServer
from tests.sam import docker

RUNTIME = "python3.13"
HOST = "127.0.0.1"
START_SECONDS = 60
INVOKE_SECONDS = 120
"""SAM waits for the function's whole timeout after a failure of its own."""
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
# Where SAM itself looks for the base image of a function.
BASE_IMAGE = """
import sys
from samcli.local.docker.lambda_image import LambdaImage, Runtime
print(f"{LambdaImage._INVOKE_REPO_PREFIX}/{Runtime.get_image_name_tag(*sys.argv[1:])}")
"""


@dataclass(frozen=True)
class Built:
    """What `sam build` made, and what it said."""

    folder: Path
    log: str

    @property
    def template(self) -> Path:
        return self.folder / "template.yaml"

    @property
    def layer(self) -> Path:
        """The folder that is /opt/python."""
        return self.folder / "ControlPlaneLayer" / "python"


@pytest.fixture(scope="session")
def build(
    sam_environment: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Built]:
    """Build the application for an architecture, once."""
    done: dict[str, Built] = {}

    def build(architecture: str) -> Built:
        if architecture not in done:
            folder = tmp_path_factory.mktemp("build") / architecture
            command = [sam_environment / "bin" / "sam", "build", "--build-dir", folder]
            command += ["--parameter-overrides", f"Architecture={architecture}"]
            run = subprocess.run(
                command,
                cwd=repository,
                env=os.environ | {"PYTHON": str(sam_environment / "bin" / "python")},
                capture_output=True,
                text=True,
                check=False,
            )
            assert run.returncode == 0, run.stdout + run.stderr
            done[architecture] = Built(folder, run.stdout + run.stderr)
        return done[architecture]

    return build


@pytest.fixture(scope="session")
def bridge() -> str:
    """This machine's address as the containers see it."""
    try:
        return docker.bridge_address()
    except docker.DockerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def image(bridge: str, sam_environment: Path, repository: Path) -> str:
    """The base image: AWS's where it can be had, else the stand-in."""
    python = str(sam_environment / "bin" / "python")
    command = [python, "-c", BASE_IMAGE, RUNTIME, ARCHITECTURE]
    official = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        [
            repository / "tests" / "lambda_image" / "build.sh",
            RUNTIME.removeprefix("python"),
            ARCHITECTURE,
            official,
        ],
        env=os.environ | {"PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        pytest.skip(f"no base image for the functions: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def installation(
    bridge: str, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Postgres and NATS at the address that the containers reach."""
    folder = tmp_path_factory.mktemp("bridged")
    postgres = PostgresServer(folder / "postgres", hosts=(bridge,), durable=False)
    queue = QueueServer(folder / "dead-letters.jsonl", bridge)
    with postgres, NatsServer(folder / "nats", hosts=(bridge,)) as nats, queue:
        hello_world = repository / "playbooks" / "hello_world.yaml"
        yield Installation(postgres, nats, queue, hello_world)


@pytest.fixture(scope="session")
def sam_local(
    build: Callable[[str], Built],
    bridge: str,
    image: str,
    installation: Installation,
    sam_environment: Path,
) -> Iterator[Callable[..., list[str]]]:
    """Return the command line of `sam local`, given what comes between it and its options."""
    built = build(ARCHITECTURE)
    variables = built.folder / "variables.json"
    variables.write_text(json.dumps(installation.environment()))
    before = docker.images("samcli/lambda-*")
    # SAM notes there that an image is being built, and waits for ever where a killed one did so.
    notes = built.folder / "notes"
    notes.mkdir()

    def sam_local(*arguments: str) -> list[str]:
        return [
            *("env", f"TMPDIR={notes}"),
            *(str(sam_environment / "bin" / "sam"), "local", *arguments),
            *("--template-file", str(built.template)),
            *("--parameter-overrides", f"Architecture={ARCHITECTURE}"),
            *("--env-vars", str(variables)),
            # On loopback Docker's proxy takes connections before the function is there, and SAM
            # sends its event into nothing; the bridge's address leads to the container itself.
            *("--container-host", bridge, "--container-host-interface", bridge),
            *("--invoke-image", image),
            "--skip-pull-image",
        ]

    yield sam_local
    docker.remove_images(docker.images("samcli/lambda-*") - before)


@pytest.fixture(scope="session")
def invoke(
    sam_local: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, dict[str, Any]], Any]:
    """Invoke a function with an event in a container of its own; returns the answer."""
    file = tmp_path_factory.mktemp("event") / "event.json"

    def invoke(function: str, event: dict[str, Any]) -> Any:
        file.write_text(json.dumps(event))
        command = sam_local("invoke", function, "--event", str(file))
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=INVOKE_SECONDS
            )
        except subprocess.TimeoutExpired as late:
            raise AssertionError((late.stderr or b"").decode()) from late
        lines = done.stdout.strip().splitlines()
        assert lines, done.stderr
        return json.loads(lines[-1])

    return invoke


@pytest.fixture(scope="session")
def start_api(
    sam_local: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of one `sam local start-api` session, which all tests share."""
    port = choose_port((HOST,), None, "the API")
    command = sam_local("start-api", "--host", HOST, "--port", str(port))
    log = tmp_path_factory.mktemp("api") / "start-api.log"
    before = docker.containers()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--warm-containers", "EAGER"], stdout=stream, stderr=stream
        )
    try:
        _wait_for(f"http://{HOST}:{port}", process, log)
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(30)
        # A container that was still being made when the signal came is left by SAM.
        left = docker.containers() - before
        ours = {one for one in left if docker.image_of(one).startswith("samcli/lambda-")}
        docker.remove_containers(ours)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/health", timeout=60)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text())
