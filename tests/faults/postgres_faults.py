"""What a PostgreSQL server does to its clients, beside what the network does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.faults.network_faults import Proxied
from tests.fixtures_postgres import APP_ROLE
from tests.proxies.proxy import Proxy


class Postgres(Proxied):
    """A database, the proxy before it, and a connection of its owner that no fault touches."""

    def __init__(self, owner_url: str, proxy: Proxy) -> None:
        super().__init__(proxy)
        self._owner_url = owner_url
        self.owner = self._connect()
        self.name = self.owner.info.dbname

    def reconnect(self) -> None:
        """Connect as the owner once more, after the server was away."""
        self.owner.close()
        self.owner = self._connect()

    def _connect(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(self._owner_url, autocommit=True, row_factory=dict_row)

    def close(self) -> None:
        self.owner.close()

    def rows(self, query: LiteralString) -> list[dict[str, Any]]:
        return self.owner.execute(query).fetchall()

    def terminate_backends(self) -> None:
        """End the server processes of all sandboxes: 57P01."""
        self.owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = %s AND datname = current_database()",
            (APP_ROLE,),
        )

    def await_lock(self) -> None:
        """Wait until somebody waits for a lock."""
        for _ in range(1000):
            (row,) = self.rows(
                "SELECT count(*) AS n FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if row["n"]:
                return
            time.sleep(0.01)
        raise AssertionError("nobody waits for a lock")

    @contextmanager
    def failing(self, sqlstate: str, times: int = 1) -> Iterator[None]:
        """Have the database fail to record, so many times, with an error of that class.

        The error comes from a trigger rather than from a real deadlock or a full disk: it takes the
        same way to the client, and at a moment that the test knows.
        """
        # A sequence, for it goes on although the transaction is rolled back.
        self.owner.execute("CREATE SEQUENCE public.failures")
        self._grant("GRANT ALL ON SEQUENCE public.failures TO {}")
        body = sql.SQL(
            "BEGIN IF nextval('public.failures') <= {} THEN"
            " RAISE EXCEPTION 'made to fail' USING ERRCODE = {};"
            " END IF; RETURN NEW; END"
        ).format(times, sqlstate)
        self.owner.execute(
            sql.SQL("CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS {}").format(
                sql.Literal(body.as_string(self.owner))
            )
        )
        self.owner.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON noetl.command"
            " FOR EACH ROW EXECUTE FUNCTION public.fail()"
        )
        yield
        self.owner.execute("DROP TRIGGER fail ON noetl.command; DROP FUNCTION public.fail")
        self.owner.execute("DROP SEQUENCE public.failures")

    # Each of these, and of those of the network, lasts until `mend`.

    def become_read_only(self) -> None:
        self._alter("ALTER DATABASE {} SET default_transaction_read_only = on")
        self.proxy.close_connections()

    def take_no_connections(self) -> None:
        self._alter("ALTER DATABASE {} CONNECTION LIMIT 0")
        self.proxy.close_connections()

    def lose_partition(self) -> None:
        self.owner.execute("ALTER TABLE noetl.event DETACH PARTITION noetl.event_default")

    def revoke_rights(self) -> None:
        self._grant("REVOKE INSERT ON noetl.event FROM {}")

    def mend(self) -> None:
        """Undo all of it."""
        self.proxy.heal()
        self._alter("ALTER DATABASE {} RESET default_transaction_read_only")
        self._alter("ALTER DATABASE {} CONNECTION LIMIT -1")
        self._grant("GRANT INSERT ON noetl.event TO {}")
        if not self.rows(
            "SELECT FROM pg_inherits WHERE inhrelid = 'noetl.event_default'::regclass"
        ):
            self.owner.execute(
                "ALTER TABLE noetl.event ATTACH PARTITION noetl.event_default DEFAULT"
            )

    def _alter(self, statement: LiteralString) -> None:
        self.owner.execute(sql.SQL(statement).format(sql.Identifier(self.name)))

    def _grant(self, statement: LiteralString) -> None:
        self.owner.execute(sql.SQL(statement).format(sql.Identifier(APP_ROLE)))


Fault = Callable[[Postgres], None]

FAULTS: tuple[Fault, ...] = (
    Postgres.refuse,
    Postgres.hang,
    Postgres.fall_silent,
    Postgres.become_read_only,
    Postgres.take_no_connections,
    Postgres.lose_partition,
    Postgres.revoke_rights,
)
