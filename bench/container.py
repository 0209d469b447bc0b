"""The function's layer, built, in a container with Lambda's Python and its runtime emulator."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local.ports import choose_port

ROOT = Path(__file__).resolve().parents[1]
LAYER = ROOT / "layers" / "control_plane"
PROBE = Path(__file__).parent / "cold_probe"
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
OFFICIAL = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
HOST = "127.0.0.1"
START_SECONDS = 30


class ContainerMissing(Exception):
    """There is no Docker engine, image or emulator; says which."""


def build_layer(folder: Path) -> str:
    """Build the layer into ``folder/python``; return what the build says."""
    command = ["make", "--silent", "-f", "../Makefile", "build-ControlPlaneLayer"]
    environment = os.environ | {
        "ARTIFACTS_DIR": str(folder),
        "PYTHON": sys.executable,
    }
    return _run(*command, cwd=LAYER / ARCHITECTURE, env=environment)


def base_image() -> str:
    """Return the image to run functions in: AWS's where it can be had, else the tests' stand-in.

    :raises ContainerMissing: neither
    """
    script = ROOT / "tests" / "lambda_image" / "build.sh"
    return _run(str(script), "3.13", ARCHITECTURE, OFFICIAL, cwd=ROOT).strip().splitlines()[-1]


def emulator() -> Path:
    """Return Amazon's emulator of the runtime interface, which comes with the SAM CLI.

    :raises ContainerMissing: `make setup-sam` has not run
    """
    programs = ".venv-sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"
    for program in ROOT.glob(programs + ARCHITECTURE):
        return program
    raise ContainerMissing("the SAM CLI is not set up: run make setup-sam")


class Sandbox:
    """A container in which nothing has run but the emulator, which waits for an event."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{HOST}:{port}/2015-03-31/functions/function/invocations"

    def invoke(self, event: Mapping[str, Any]) -> tuple[float, Any]:
        """Send an event; return the milliseconds to the answer, and the answer."""
        begin = time.perf_counter()
        answer = httpx.post(self._url, json=event, timeout=60).json()
        return (time.perf_counter() - begin) * 1000, answer


@contextmanager
def sandbox(
    image: str, layer: Path, task: Path, handler: str, environment: Mapping[str, str]
) -> Iterator[Sandbox]:
    """Run the emulator with this layer and code, on the host's own network."""
    port, runtime_port = (choose_port((HOST,), None, "emulator") for _ in range(2))
    variables = {
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "29",
        "AWS_REGION": "eu-central-1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **environment,
    }
    container = _run(
        *("docker", "run", "--detach", "--rm", "--network", "host"),
        *(f"--env={name}={value}" for name, value in variables.items()),
        *(f"--volume={layer / 'python'}:/opt/python:ro", f"--volume={task}:/var/task:ro"),
        *(f"--volume={emulator()}:/emulator:ro", "--entrypoint", "/emulator", image),
        *("--log-level", "error"),
        *("--runtime-interface-emulator-address", f"{HOST}:{port}"),
        *("--runtime-api-address", f"{HOST}:{runtime_port}"),
        *("/var/runtime/bootstrap", handler),
    ).strip()
    try:
        _wait_for(port)
        yield Sandbox(port)
    finally:
        _run("docker", "rm", "--force", container)


def run_python(image: str, layer: Path, task: Path, *arguments: str) -> str:
    """Run Python in the image, with layer and code on its path; return what it says as an error."""
    return _run(
        *("docker", "run", "--rm", "--network", "none", "--entrypoint", "python3"),
        *("--env", "PYTHONPATH=/var/task:/opt/python:/var/runtime"),
        *("--env", "DATABASE_URL=postgresql://nobody@127.0.0.1:1/none"),
        *("--env", "NATS_URL=nats://127.0.0.1:1", "--env", "PUBLIC_SERVER_URL=http://localhost"),
        *(f"--volume={layer / 'python'}:/opt/python:ro", f"--volume={task}:/var/task:ro"),
        *(image, "-B", *arguments),
        output="stderr",
    )


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://{HOST}:{port}/", timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise ContainerMissing("the emulator does not answer")


def _run(*command: str, output: str = "stdout", **options: Any) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, **options
        )
    except FileNotFoundError as error:
        raise ContainerMissing(f"{command[0]} is not installed") from error
    if done.returncode:
        raise ContainerMissing(f"{command[0]}: {done.stderr.strip()[-500:]}")
    return str(getattr(done, output))
