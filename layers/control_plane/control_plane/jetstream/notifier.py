"""How workers learn that a command waits: one message, acknowledged by JetStream."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import nats.errors
from nats.js.errors import APIError, NoStreamResponseError

from control_plane import invocation
from control_plane.credentials import LoginUnreadable, login_from_secret
from control_plane.errors import BrokerUnavailable, NotificationFailed
from control_plane.jetstream.bundle import Bundle
from control_plane.jetstream.connection import Connection
from control_plane.jetstream.failures import ConnectionFailed, PermissionDenied, Reason
from control_plane.jetstream.loop import SandboxLoop
from control_plane.jetstream.servers import Login, servers_from_url
from control_plane.jetstream.streams import checked_name, provide_stream, stream_of
from control_plane.ports import Notification
from control_plane.settings import NatsSettings

BUDGET_SECONDS = 2.0
ACKNOWLEDGEMENT_SECONDS = 0.5
"""How long a first connection may take to answer; a second one has all that is left."""

Result = TypeVar("Result")
Work = Callable[[Connection], Awaitable[Result]]

# With the secret anew, they may pass: it was rotated, or names another authority by now.
_OF_THE_SECRET = frozenset({Reason.LOGIN_REFUSED, Reason.NOT_TRUSTED})

# A forked process shares its connection with the original; see `loop`.
_forgotten: list[object] = []

# Sandboxes spread over the servers; of the system, for clones share the state of the other one.
_random = random.SystemRandom()


class JetStreamNotifier:
    """A `CommandNotifier` on NATS JetStream, and a probe of it; for one thread at a time.

    It opens its connection with the first notification, or before it when told to `prepare`, and
    keeps it.

    :param budget: seconds that one call may take, whatever the servers do; what is left of the
        invocation is a limit as well
    :raises ConfigurationError: names the setting that is malformed
    """

    def __init__(
        self,
        settings: NatsSettings,
        budget: float = BUDGET_SECONDS,
        read_secret: Callable[[str], Mapping[str, str]] = login_from_secret,
    ) -> None:
        self._servers = deque(servers_from_url(settings.nats_url))
        _random.shuffle(self._servers)
        self._stream = checked_name(settings.nats_stream)
        self._manages_stream = settings.nats_manage_stream
        self._secret_arn = settings.nats_secret_arn
        self._tls_hostname = settings.nats_tls_hostname
        self._read_secret = read_secret
        self._budget = budget
        self._login: Login | None = None
        self._tls: ssl.SSLContext | None = None
        self._loop = SandboxLoop()
        self._connection: Connection | None = None

    def prepare(self) -> None:
        """Begin to connect, where that is to be done, and return at once."""
        if self._servers and (self._connection is None or self._connection.is_suspect):
            self._loop.begin(self._connected(invocation.deadline(self._budget)))

    def notify(self, notification: Notification) -> None:
        """Publish and await the acknowledgement; a duplicate's is as good.

        :raises NotificationFailed: with the reason, which names no address and no secret
        """
        if not self._servers:
            raise BrokerUnavailable(Reason.NOT_CONFIGURED)
        self._run(self._try_twice(lambda connection: self._publish(connection, notification)))

    def notify_many(self, notifications: Sequence[Notification]) -> list[NotificationFailed | None]:
        """Publish all at once; return for each why it failed, None where it arrived.

        `BrokerUnavailable` says that one was not even tried. A permission that is denied for a
        subject counts for its whole segment, and for no other one.
        """
        bundle = Bundle(notifications, self._stream if self._manages_stream else None)
        unknown: NotificationFailed = BrokerUnavailable(Reason.NOT_CONFIGURED)
        end = invocation.deadline(self._budget)
        while self._servers and notifications:
            try:
                self._run(self._try_until(end, bundle.publish))
            except PermissionDenied as denied:
                unknown = denied
                if bundle.deny(denied):
                    continue
            except NotificationFailed as failure:
                unknown = failure
            break
        return bundle.outcomes(otherwise=unknown)

    def probe(self) -> str:
        """Return ``ok``, ``not configured``, ``unreachable`` or ``no stream``.

        A missing stream is ``ok`` where the next notification makes it.
        """
        if not self._servers:
            return "not configured"
        try:
            takes = self._run(self._try_twice(_find_stream))
        except NotificationFailed as failure:
            # A login that may do no more than publish cannot see streams.
            return "ok" if failure.message == Reason.PERMISSION_DENIED else "unreachable"
        return "ok" if takes or self._manages_stream else "no stream"

    def close(self) -> None:
        """Close connection and event loop; the next call opens new ones."""
        with contextlib.suppress(TimeoutError):
            self._loop.run(self._drop(), invocation.deadline(self._budget))
        self._loop.close()

    def forget(self) -> None:
        """Leave connection and event loop behind without touching them: they may be clones.

        For a process that was forked, or restored from a snapshot.
        """
        self._loop.forget()
        _forgotten.append(self._connection)
        self._connection = self._login = None
        _random.shuffle(self._servers)

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            return self._loop.run(work, invocation.deadline(self._budget))
        except TimeoutError:
            raise BrokerUnavailable(Reason.NO_ANSWER) from None

    async def _publish(self, connection: Connection, notification: Notification) -> None:
        try:
            await connection.publish(notification)
        except NoStreamResponseError:
            if not self._manages_stream:
                raise
            await provide_stream(connection.client, notification.subject, self._stream)
            await connection.publish(notification)

    def _try_twice(self, work: Work[Result]) -> Coroutine[Any, Any, Result]:
        # From now on, so that what `prepare` has begun counts as well.
        return self._try_until(invocation.deadline(self._budget), work)

    async def _try_until(self, end: float, work: Work[Result]) -> Result:
        clock = asyncio.get_running_loop().time
        try:
            return await self._try(work, end, ACKNOWLEDGEMENT_SECONDS)
        except ConnectionFailed as failure:
            if clock() >= end:
                raise NotificationFailed(failure.reason) from None
        try:
            return await self._try(work, end, self._budget)
        except ConnectionFailed as failure:
            raise NotificationFailed(failure.reason) from None

    async def _try(self, work: Work[Result], end: float, patience: float) -> Result:
        try:
            connection = await self._connected(end)
            async with connection.waiting(end, patience):
                return await work(connection)
        except NotificationFailed:
            raise
        except ConnectionFailed:
            await self._drop()
            raise
        except Exception as error:
            # The start stands already: a defect here must not look like a start that failed.
            await self._drop()
            raise NotificationFailed(f"{Reason.DEFECT}: {type(error).__name__}") from error

    async def _connected(self, end: float) -> Connection:
        if self._connection is not None:
            if await self._connection.is_alive():
                return self._connection
            await self._drop()
        self._connection = await self._connect(end)
        return self._connection

    async def _connect(self, end: float) -> Connection:
        """Try each server once, the one that worked last first."""
        held, login = self._login, await self._read_login(end)
        failure = Reason.CANNOT_CONNECT
        clock = asyncio.get_running_loop().time
        for untried in range(len(self._servers), 0, -1):
            server = self._servers[0]
            used = login or server.login
            if self._tls is None and (server.tls or used.authority):
                try:
                    self._tls = used.tls()
                except LoginUnreadable as why:
                    raise BrokerUnavailable(f"{Reason.LOGIN_UNKNOWN}: {why}") from None
            # One share is left for the request itself.
            share = (end - clock()) / (untried + 1)
            try:
                return await Connection.open(
                    server, used, self._tls, clock() + share, self._tls_hostname
                )
            except ConnectionFailed as failed:
                self._servers.rotate(-1)
                failure = failed.reason
        if failure in _OF_THE_SECRET and login is not None:
            self._login = self._tls = None
            if held is not None:  # and the secret has been rotated since
                raise ConnectionFailed(failure)
        raise BrokerUnavailable(failure)

    async def _read_login(self, end: float) -> Login | None:
        if self._secret_arn is not None and self._login is None:
            try:
                async with asyncio.timeout_at(end):
                    # When it takes longer, the thread goes on and the next call finds the login.
                    await asyncio.to_thread(self._keep_login, self._secret_arn)
            except LoginUnreadable as why:
                raise BrokerUnavailable(f"{Reason.LOGIN_UNKNOWN}: {why}") from None
            except TimeoutError:
                raise BrokerUnavailable(Reason.LOGIN_UNKNOWN) from None
        return self._login

    def _keep_login(self, arn: str) -> None:
        self._login = Login.from_secret(self._read_secret(arn))

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.drop()


async def _find_stream(connection: Connection) -> str | None:
    try:
        return await stream_of(connection.client, "noetl.commands.shared.0")
    except (APIError, nats.errors.NoRespondersError):  # JetStream is not enabled
        return None
