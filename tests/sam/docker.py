"""The Docker engine of this machine, as far as the tests need it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys

import psutil


class DockerMissing(Exception):
    """There is no engine that the tests can use; says why."""


def bridge_address() -> str:
    """Return this machine's address as containers see it.

    :raises DockerMissing: no engine, or one whose containers run elsewhere
    """
    if sys.platform != "linux":
        raise DockerMissing("Docker's containers run on this machine's own network on Linux alone")
    if shutil.which("docker") is None:
        raise DockerMissing("docker is not installed")
    network = json.loads(_docker("network", "inspect", "bridge"))[0]
    interface = network["Options"]["com.docker.network.bridge.name"]
    for address in psutil.net_if_addrs().get(interface, ()):
        if address.family == socket.AF_INET:
            return str(address.address)
    raise DockerMissing(f"Docker's bridge {interface} is not on this machine")


def images(reference: str) -> set[str]:
    """Return the names of the images whose repository matches."""
    template = "{{.Repository}}:{{.Tag}}"
    return set(
        _docker("image", "ls", "--filter", f"reference={reference}", "--format", template).split()
    )


def containers() -> set[str]:
    """Return the ids of the containers that run."""
    return set(_docker("ps", "--quiet", "--no-trunc").split())


def remove_containers(ids: set[str]) -> None:
    """Stop and remove containers."""
    if ids:
        subprocess.run(["docker", "rm", "--force", *ids], capture_output=True, check=False)


def image_of(container: str) -> str:
    """Return the name of the image that a container was made from."""
    return _docker("inspect", "--format", "{{.Config.Image}}", container).strip()


def remove_images(names: set[str]) -> None:
    """Remove images; one that is in use stays."""
    if names:
        subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DockerMissing(f"no Docker engine answers: {done.stderr.strip()}")
    return done.stdout
