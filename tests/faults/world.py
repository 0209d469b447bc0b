"""One installation with a proxy before each server: what happens in it, and what is left of it."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit

from tests.faults.checker import check
from tests.faults.evidence import ANY_BUT_A_FAILURE, Bound, Reply, Violation
from tests.faults.nats_faults import Nats
from tests.faults.playbooks import HELLO, PLAYBOOKS
from tests.faults.postgres_faults import Postgres
from tests.faults.sandboxes import Ended, Sandbox, Zygote
from tests.faults.tally import Tally
from tests.faults.witness import gather
from tests.fixtures_nats import Broker
from tests.fixtures_postgres import APP_PASSWORD, as_app
from tests.proxies.nats import NatsProxy
from tests.proxies.postgres import PostgresProxy
from tests.virtual_time import pass_time

ROOT = Path(__file__).parents[2]
_ONE = json.loads((ROOT / "events" / "execute_by_path.json").read_text())
_MANY = json.loads((ROOT / "events" / "execute_batch.json").read_text())

BOUNDS = (2, 17)
"""Minutes after everything was mended: what no relay has tried has arrived after the first so many,
and what one has tried in vain after the second, when the longest back-off has passed as well."""
SETTLING = (300, 300, 3700, 3700, 3700)
"""Seconds that pass then, for all renotifications that are to come."""


class World:
    """A database, a stream and sandboxes of one history.

    No second of it is waited for: the rows of the database become older (`tests.virtual_time`), and
    so do the wall clocks of frozen sandboxes (`tests.faults.zygote`).

    :param bug: the name of a double of `tests.faults.doubles` that its sandboxes have
    """

    def __init__(  # noqa: PLR0917
        self,
        zygote: Zygote,
        owner_url: str,
        broker: Broker,
        folder: Path,
        tally: Tally,
        bug: str | None = None,
    ) -> None:
        self.replies: list[Reply] = []
        self.relay_errors: list[str] = []
        self.marker = f"input-{secrets.token_hex(8)}"
        self._zygote = zygote
        self._log = folder / "sandboxes.log"
        self._tally = tally
        self.bounds: list[Bound] = []
        self._closing = ExitStack()
        to_postgres = self._closing.enter_context(PostgresProxy(as_app(owner_url)))
        to_nats = self._closing.enter_context(NatsProxy(broker.url))
        self.postgres = Postgres(owner_url, to_postgres)
        self._closing.callback(self.postgres.close)
        self.nats = Nats(broker, to_nats)
        self._nats_password = str(urlsplit(broker.url).password)
        self._variables = {
            "DATABASE_AUTH": "url",
            "DATABASE_URL": to_postgres.url,
            "NATS_URL": to_nats.url,
            "PUBLIC_SERVER_URL": "https://noetl.example.com",
            **({"FAULTS_BUG": bug} if bug else {}),
        }
        self._threads = self._closing.enter_context(ThreadPoolExecutor(60))
        for path, content in PLAYBOOKS.items():
            self.postgres.owner.execute(
                "INSERT INTO noetl.catalog (path, version, kind, content)"
                " VALUES (%s, 1, 'playbook', %s)",
                (path, content),
            )

    def close(self) -> None:
        self._closing.close()

    def sandbox(self, function: str = "ExecuteFunction", **variables: str) -> Sandbox:
        """A new sandbox of a function."""
        one = self._zygote.sandbox(function, {**self._variables, **variables}, self._log)
        self._closing.callback(one.close)
        return one

    # What happens

    def start(
        self,
        sandbox: Sandbox,
        key: str | None = None,
        *,
        timeout: float | None = None,
        deserved: tuple[int, ...] = ANY_BUT_A_FAILURE,
        **body: Any,
    ) -> Reply:
        """Send an execute request; a body that is left out starts hello."""
        key = key or secrets.token_hex(8)
        event = copy.deepcopy(_ONE)
        event["headers"]["idempotency-key"] = key
        event["body"] = json.dumps(body or self._hello())
        status, answer, was_killed = self._ask(sandbox, event, timeout)
        reply = Reply(stored(key), status, answer, was_killed, deserved)
        self.replies.append(reply)
        return reply

    def start_many(self, sandbox: Sandbox, number: int) -> list[Reply]:
        """Start hello so many times with one batch request."""
        keys = [secrets.token_hex(8) for _ in range(number)]
        event = copy.deepcopy(_MANY)
        event["body"] = json.dumps(
            {"executions": [self._hello() | {"idempotency_key": key} for key in keys]}
        )
        status, answer, was_killed = self._ask(sandbox, event, None)
        results = answer.get("results", [{}] * number) if status == 200 else [{}] * number
        replies = [
            Reply(
                stored(key),
                200 if one.get("status") in {"started", "duplicate"} else status and 503,
                one,
                was_killed,
            )
            for key, one in zip(keys, results, strict=True)
        ]
        self.replies += replies
        return replies

    def _hello(self) -> dict[str, Any]:
        return {"path": HELLO, "payload": {"name": self.marker}}

    def _ask(
        self, sandbox: Sandbox, event: Any, timeout: float | None
    ) -> tuple[int | None, dict[str, Any], bool]:
        try:
            answer = sandbox.invoke(event, timeout)
        except Ended as ended:
            return None, {}, ended.was_expected
        if "statusCode" not in answer:
            return 500, answer, False
        return answer["statusCode"], json.loads(answer["body"]), False

    def relay(self, relay: Sandbox, seconds: float = 0.0) -> dict[str, Any]:
        """Let time pass, then run the relay; return what it says, which may be an error."""
        self.pass_time(seconds)
        try:
            answer: dict[str, Any] = relay.invoke({})
        except Ended as ended:
            if not ended.was_expected:
                self.relay_errors.append(str(ended))
            return {"errorType": "Ended"}
        if answer.get("errorType", "StoreUnavailable") != "StoreUnavailable":
            self.relay_errors.append(str(answer["errorType"]))
        return answer

    def tick(self, relay: Sandbox, seconds: float = 60) -> dict[str, Any]:
        """Let time pass, then run the relay, which has to come to its end."""
        answer = self.relay(relay, seconds)
        assert "errorType" not in answer, answer
        return answer

    def soon(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
        """Do something while something else happens."""
        return self._threads.submit(work, *arguments, **named)

    def pass_time(self, seconds: float) -> None:
        if seconds:
            pass_time(self.postgres.owner, seconds)

    def claim(self, execution_id: int) -> None:
        """Have a worker claim the execution's first command."""
        self._append(execution_id, "command.claimed")

    def cancel(self, execution_id: int) -> None:
        """Have another server cancel the execution, which knows nothing of our outbox."""
        self._append(execution_id, "execution.cancelled")

    def _append(self, execution_id: int, event_type: str) -> None:
        self.postgres.owner.execute(
            "INSERT INTO noetl.event (execution_id, event_id, catalog_id, event_type, node_name)"
            " SELECT execution_id, noetl.snowflake_id(), catalog_id, %s, 'start'"
            " FROM noetl.event WHERE execution_id = %s LIMIT 1",
            (event_type, execution_id),
        )

    # What is left

    def mend(self) -> None:
        """Have everything work again; connections that are lost stay lost."""
        self.postgres.mend()
        self.nats.mend()

    def settle(self, relay: Sandbox) -> None:
        """Mend everything, and let time pass until all that was put off is due."""
        self.mend()
        passed = 0
        for minutes, due in zip(
            BOUNDS, (self._waiting("attempts = 0"), self._waiting("true")), strict=True
        ):
            for _ in range(2):
                self.tick(relay, (minutes - passed) * 30)
            passed = minutes
            arrived = {*self.nats.message_ids(), *self.nats.lost_message_ids}
            self.bounds.append(Bound(minutes, due, arrived))
        for seconds in SETTLING:
            self.tick(relay, seconds)

    def verify(self, relay: Sandbox) -> None:
        """Settle, and find nothing that is not as it must be."""
        self.settle(relay)
        violations = self.violations()
        self._tally.add(violations)
        assert violations == []

    def _waiting(self, condition: LiteralString) -> tuple[str, ...]:
        rows = self.postgres.rows(
            "SELECT message_id FROM noetl_serverless.outbox"
            f" WHERE notified_at IS NULL AND parked_at IS NULL AND {condition}"
        )
        return tuple(row["message_id"] for row in rows)

    def violations(self) -> list[Violation]:
        """Return whatever is not as it must be."""
        secrets = (APP_PASSWORD, self._nats_password)
        return check(gather(self, secrets))

    def executions(self) -> dict[str, int]:
        """The execution of each key."""
        rows = self.postgres.rows("SELECT key, execution_id FROM noetl_serverless.start_request")
        return {row["key"]: row["execution_id"] for row in rows}

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


def stored(key: str) -> str:
    """The key of a caller that nobody has asked for a name."""
    return f"http:anonymous:{key}"
