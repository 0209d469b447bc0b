"""A connection of the driver that does not wait for ever."""

from __future__ import annotations

import json
import select
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Self

import psycopg
from psycopg import generators
from psycopg.abc import RV, PQGen, PQGenConn
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from control_plane.ports import Work
from control_plane.postgres.sql import numbered, statement
from control_plane.postgres.texts import Value, encoded

IDLE_SECONDS = 0.75
"""After a longer pause the peer may have gone without a word."""

Row = tuple[Any, ...]

_connecting_until: ContextVar[float] = ContextVar("_connecting_until")


class DeadlineConnection(psycopg.Connection[Row]):
    """A connection in autocommit that prepares nothing and whose waits end at a deadline.

    :ivar deadline: when a wait ends, in the time of `time.monotonic`
    :ivar is_checked: for its owner: whether the schema has been found to be there
    """

    deadline = 0.0
    is_checked = False
    _last_answer = 0.0
    _codec = "utf-8"
    _news: select.poll

    @classmethod
    def open(cls, conninfo: str, deadline: float) -> Self:
        """Connect and log in, within the connect timeout of the connection string.

        That is for each address, in whole seconds; the deadline is for all of it.
        """
        token = _connecting_until.set(deadline)
        try:
            # RDS Proxy would pin a connection on which something was prepared.
            connection = cls.connect(conninfo, autocommit=True, prepare_threshold=None)
        finally:
            _connecting_until.reset(token)
        connection.deadline = deadline
        connection._news = select.poll()
        connection._news.register(connection.fileno(), select.POLLIN)
        connection._last_answer = time.time()
        encoding = connection.info.encoding
        connection._codec = "utf-8" if encoding == "ascii" else encoding
        return connection

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Self]:
        """Do the steps of connecting, which the driver asks for ten times a second at least."""
        steps = super()._connect_gen(conninfo)
        try:
            wanted = next(steps)
            while time.monotonic() < _connecting_until.get():
                wanted = steps.send((yield wanted))
        except StopIteration as end:
            connection: Self = end.value
            return connection
        raise psycopg.errors.ConnectionTimeout("connection timeout expired")

    @property
    def is_stale(self) -> bool:
        """Whether the peer has hung up: while no statement runs there is nothing else to read."""
        return self.closed or bool(self._news.poll(0))

    @property
    def is_suspect(self) -> bool:
        """Whether the last answer is so long ago that the peer may have gone in silence."""
        # The wall clock, for the other one may stand still in a frozen sandbox.
        return abs(time.time() - self._last_answer) > IDLE_SECONDS

    def fetch_all(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Send ``queries/<name>.sql`` and return its rows."""
        rows = self.execute(statement(name), parameters).fetchall()
        self._last_answer = time.time()
        return rows

    def fetch_json(self, name: str, parameters: Mapping[str, Value], meanwhile: Work) -> Any:
        """Send ``queries/<name>.sql`` and return the one JSON value that it answers.

        Every value goes and comes as text, without the driver's cursor and adaptation of types,
        which took a tenth of a start's instructions.

        :param meanwhile: is done while the server works
        """
        text, names = numbered(name)
        given = [encoded(parameters[one], self._codec) for one in names]
        self.pgconn.send_query_params(text, given)
        try:
            meanwhile()
        except BaseException:
            self.close()  # or the answer would be taken for the next statement's
            raise
        result = self.wait(generators.execute(self.pgconn))[-1]
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result, encoding=self._codec)
        self._last_answer = time.time()
        answer = result.get_value(0, 0)
        return None if answer is None else json.loads(answer.decode(self._codec))

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server, as every call of the driver does, but not beyond the deadline."""
        left = max(0.0, self.deadline - time.monotonic())
        try:
            return super().wait(gen, interval, left if timeout is None else min(left, timeout))
        except psycopg.errors._WaitTimeout:
            # An answer that comes later must not be taken for the next statement's.
            self.close()
            raise
