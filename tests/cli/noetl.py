"""NoETL's command line as a person runs it, and the database behind the API that it talks to."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

_COLOUR = re.compile(r"\x1b\[\d+m")
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Printed:
    """What a command printed, without colours, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Noetl:
    """The program, the API that it is pointed at, and a home without any configuration."""

    program: Path
    url: str
    home: Path

    def __call__(self, *arguments: str) -> Printed:
        """Run a command."""
        done = subprocess.run(
            [self.program, "--server-url", self.url, *arguments],
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Printed(done.returncode, _COLOUR.sub("", done.stdout), _COLOUR.sub("", done.stderr))


@dataclass(frozen=True)
class Installed:
    """The control plane that is tried: its API, and the event log as a worker would write it."""

    url: str
    database_url: str

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def append(self, execution_id: str, events: Sequence[tuple[str, str | None]]) -> None:
        """Append events of an execution: their types, and the steps that they are about."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            for event_type, step in events:
                connection.execute(
                    "INSERT INTO noetl.event"
                    " (execution_id, event_id, catalog_id, event_type, node_name, status)"
                    " SELECT execution_id, noetl.snowflake_id(), catalog_id, %s, %s, 'COMPLETED'"
                    " FROM noetl.event WHERE execution_id = %s LIMIT 1",
                    (event_type, step, int(execution_id)),
                )
