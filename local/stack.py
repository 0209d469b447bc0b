"""The whole product on this machine: Postgres, NATS, the functions, the HTTP API in front."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from control_plane.postgres.migrate import migrate
from local.errors import LocalError, PortTaken
from local.gateway import Gateway
from local.http_api import ACCOUNT_ID
from local.lock import FolderLock
from local.nats import NatsServer
from local.pool import Pool
from local.ports import choose_port
from local.postgres import PostgresServer
from local.private_file import write_private
from local.queue_file import QueueFile
from local.schedule import Scheduler
from local.template import Template, read_template

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".local"
HOST = "127.0.0.1"
APP_ROLE = "noetl_serverless_app"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the stack listens; None takes any free port."""

    api: int | None = 8082
    postgres: int | None = 5432
    nats: int | None = 4222

    @classmethod
    def free(cls) -> Ports:
        """Any free port for each."""
        return cls(None, None, None)

    def where_free(self) -> Ports:
        """Return these ports, with any free one in place of each that is taken."""

        def unless_taken(port: int | None) -> int | None:
            try:
                return choose_port((HOST,), port, "the stack")
            except PortTaken:
                return None

        return Ports(*(unless_taken(port) for port in (self.api, self.postgres, self.nats)))


class FolderInUse(LocalError):
    """Another stack runs in the folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(f"another stack runs in {folder}: {holder}")


class Stack:
    """The running stack: an asynchronous context manager; all that it keeps is in its folder.

    ``folder/stack.env`` tells other programs the addresses for as long as it runs, with the
    logins; ``folder/functions.log`` has what the handlers print, ``folder/dead-letters.jsonl`` the
    messages that can never start.

    :ivar api_url: the HTTP API
    :ivar database_url: the database with its owner's login; the functions have a lesser one
    :ivar nats_url: NATS with its login
    :param sandboxes: the most sandboxes of each function
    :param report: is told one line per request, and what schedules have brought about
    """

    def __init__(
        self,
        folder: Path = FOLDER,
        ports: Ports | None = None,
        *,
        sandboxes: int = 8,
        report: Callable[[str], None] = print,
    ) -> None:
        self.folder = folder
        self.api_url = ""
        self.database_url = ""
        self.nats_url = ""
        self._ports = ports or Ports()
        self._sandboxes = sandboxes
        self._report = report
        self._running = AsyncExitStack()

    @property
    def env_file(self) -> Path:
        """The addresses, for other programs."""
        return self.folder / "stack.env"

    @property
    def log_file(self) -> Path:
        """What the handlers print."""
        return self.folder / "functions.log"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            await self._start(starting)
            self._running = starting.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    async def _start(self, starting: AsyncExitStack) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(self.folder)
        if holder := lock.acquire(f"process {os.getpid()}"):
            raise FolderInUse(self.folder, holder)
        starting.callback(lock.release)
        port = choose_port((HOST,), self._ports.api, "the HTTP API")
        self.api_url = f"http://{HOST}:{port}"
        lock.note(f"process {os.getpid()}, {self.api_url}")

        nats = NatsServer(self.folder / "nats", port=self._ports.nats)
        self.nats_url = starting.enter_context(nats).url
        postgres = PostgresServer(self.folder / "postgres", port=self._ports.postgres)
        starting.enter_context(postgres)
        self.database_url, app_url = prepare_database(postgres.url)

        template = self._read_template(app_url, port)
        pools = self._make_pools(starting, template)
        gateway = Gateway(template, pools, self._report, dead_letters_of(self.folder))
        starting.push_async_callback(gateway.stop)
        await gateway.start(HOST, port)
        scheduler = Scheduler(pools, self._report)
        starting.push_async_callback(scheduler.stop)
        scheduler.start(template.schedules)
        self._write_env_file()
        starting.callback(self.env_file.unlink, missing_ok=True)

    def _read_template(self, app_url: str, port: int) -> Template:
        variables = {
            "DATABASE_AUTH": "url",
            "DATABASE_URL": app_url,
            "NATS_URL": self.nats_url,
            "NATS_MANAGE_STREAM": "true",
            "PUBLIC_SERVER_URL": f"http://localhost:{port}",
            "DEAD_LETTER_QUEUE_URL": f"{self.api_url}/{ACCOUNT_ID}/dead-letters",
            "DEFAULT_PATH": "examples/hello_world",
        }
        owner = {"DATABASE_URL": self.database_url}
        environment = {"*": variables, "MigrateFunction": owner}
        return read_template(ROOT / "template.yaml", environment=environment)

    def _make_pools(self, starting: AsyncExitStack, template: Template) -> dict[str, Pool]:
        log = starting.enter_context(self.log_file.open("wb"))
        pools = {}
        for name, function in template.functions.items():
            pools[name] = Pool(function, self._sandboxes, log.fileno())
            starting.push_async_callback(pools[name].close)
        return pools

    def _write_env_file(self) -> None:
        lines = {
            "API_URL": self.api_url,
            "DATABASE_URL": self.database_url,
            "NATS_URL": self.nats_url,
        }
        write_private(self.env_file, "".join(f"{name}={url}\n" for name, url in lines.items()))


def dead_letters_of(folder: Path) -> QueueFile:
    """Return the queue of a stack for messages that can never start."""
    return QueueFile(folder / "dead-letters.jsonl")


def prepare_database(server_url: str) -> tuple[str, str]:
    """Bring the database ``noetl`` up to date; return the URLs of its owner and of the app.

    The app's password is a new one each time, so that none has to be kept.
    """
    owner_url = _with(server_url, path="/noetl")
    password = secrets.token_hex(16)
    with psycopg.connect(server_url, autocommit=True) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = 'noetl'").fetchone()
        if known is None:
            connection.execute("CREATE DATABASE noetl")
    migrate(owner_url, APP_ROLE)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(APP_ROLE), password))
    host = urlsplit(server_url).netloc.rpartition("@")[2]
    return owner_url, _with(owner_url, netloc=f"{APP_ROLE}:{password}@{host}")


def _with(url: str, **parts: str) -> str:
    return urlunsplit(urlsplit(url)._replace(**parts))
