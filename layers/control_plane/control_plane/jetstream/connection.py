"""One connection to NATS that never waits in vain.

The client of nats-py leaves a pending request alone when its connection drops, reports a denied
publish to a callback only, and says ``is_connected`` after a thaw, whatever the peer has done
meanwhile. Here whatever ends a connection ends the wait at hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import select
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import Self

import nats.errors
from nats.aio.client import Client, RawCredentials

from control_plane.jetstream.failures import ConnectionFailed, while_connected, while_connecting
from control_plane.jetstream.servers import Login, NatsServer
from control_plane.ports import Notification

IDLE_SECONDS = 0.75
"""After a longer pause the server is asked for a sign of life before it is used."""
SIGN_OF_LIFE_SECONDS = 0.15

# Nothing runs between two invocations, so the client's own heartbeat would only count pauses.
_NEVER = 365 * 24 * 3600


class Connection:
    """A client, connected."""

    def __init__(self) -> None:
        self.client = Client()
        self._jetstream = self.client.jetstream(timeout=None)  # `waiting` bounds it
        self._failure: Exception | None = None
        self._wait: asyncio.Timeout | None = None
        self._end = self._patience = math.inf
        self._last_use = time.time()
        self._news = select.poll()

    @classmethod
    async def open(
        cls,
        server: NatsServer,
        login: Login,
        tls: ssl.SSLContext | None,
        deadline: float,
        tls_hostname: str | None = None,
    ) -> Self:
        """Connect and log in.

        :param tls_hostname: the name in the certificate, where it is not the server's
        :param deadline: in the time of the event loop
        :raises ConnectionFailed: with the reason
        """
        connection = cls()
        try:
            async with asyncio.timeout_at(deadline):
                await connection._connect(server, login, tls, tls_hostname)
        except Exception as error:
            await connection.drop()
            # What the client could not reach it tells to its callback only.
            is_vague = isinstance(error, nats.errors.NoServersError)
            cause = connection._failure if is_vague and connection._failure else error
            raise while_connecting(cause) from None
        return connection

    async def _connect(
        self,
        server: NatsServer,
        login: Login,
        tls: ssl.SSLContext | None,
        tls_hostname: str | None,
    ) -> None:
        def guarded(secret: str | None) -> Callable[[], str] | None:
            # Called after the server has said whether it speaks TLS, before the login is sent:
            # the client would send it in the clear.
            def tell() -> str:
                self._check_encryption(server)
                return secret or ""

            return tell if secret is not None else None

        await self.client.connect(
            server.address,
            name="noetl-serverless",
            user=guarded(login.user),
            password=guarded(login.password),
            token=guarded(login.token),
            # These two sign what the server has sent, and tell no secret.
            user_credentials=RawCredentials(login.creds) if login.creds else None,
            nkeys_seed_str=login.nkey,
            tls=tls,
            tls_hostname=tls_hostname if tls else None,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # 0 is for ever
            reconnect_time_wait=0.05,  # type: ignore[arg-type]  # a float does as well
            ping_interval=_NEVER,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnect,
        )
        self._check_encryption(server)
        if not self.client.is_connected:  # the greeting was none of those that it knows
            raise nats.errors.ProtocolError
        self._failure = None  # of its first try
        if self._writer is not None:
            self._news.register(self._writer.get_extra_info("socket"), select.POLLIN)

    def _check_encryption(self, server: NatsServer) -> None:
        writer = self._writer
        if server.tls and (writer is None or writer.get_extra_info("ssl_object") is None):
            raise nats.errors.SecureConnWantedError

    async def publish(self, notification: Notification) -> None:
        """Publish and await the acknowledgement; belongs into `waiting`."""
        headers = {"Nats-Msg-Id": notification.message_id}
        if notification.traceparent is not None:
            headers["traceparent"] = notification.traceparent
        await self._jetstream.publish(
            notification.subject, notification.body.encode(), headers=headers
        )

    @property
    def is_suspect(self) -> bool:
        """Whether the last use is so long ago that the peer may have gone in silence."""
        # The wall clock, for the other one may stand still in a frozen sandbox; when it was set
        # back or forth meanwhile, the question is asked for nothing.
        return abs(time.time() - self._last_use) > IDLE_SECONDS

    async def is_alive(self) -> bool:
        """Tell whether the connection may be used; asks the server after a pause."""
        if self._has_news():
            for _ in range(3):  # turns, which let the client read what the peer did meanwhile
                await asyncio.sleep(0)
        if self._failure is not None or not self.client.is_connected:
            return False
        if self.is_suspect:
            try:
                async with self.waiting(asyncio.get_running_loop().time() + SIGN_OF_LIFE_SECONDS):
                    await self.client.rtt()
            except ConnectionFailed:
                return False
        return True

    def _has_news(self) -> bool:
        """Tell whether something waits in the socket, or the client is about to close it."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return True
        return bool(self._news.poll(0))

    @contextlib.asynccontextmanager
    async def waiting(self, end: float, patience: float = math.inf) -> AsyncIterator[None]:
        """Bound what is awaited inside: by its end, by patience, by the connection's end.

        :param end: in the time of the event loop
        :param patience: seconds without any progress
        :raises ConnectionFailed: the connection is of no use any more
        :raises NotificationFailed: NATS has answered no
        """
        self._end, self._patience = end, patience
        try:
            async with asyncio.timeout_at(self._deadline()) as self._wait:
                yield
        except (TimeoutError, OSError, nats.errors.Error) as error:
            raise while_connected(self._failure or error) from None
        finally:
            self._wait = None
        self._last_use = time.time()

    def note_progress(self) -> None:
        """Begin to be patient anew, for one of several answers has come."""
        if self._wait is not None and self._failure is None and not self._wait.expired():
            self._wait.reschedule(self._deadline())

    def _deadline(self) -> float:
        return min(self._end, asyncio.get_running_loop().time() + self._patience)

    async def drop(self) -> None:
        """End the connection at once, without a word to a server that may not listen."""
        writer = self._writer
        if writer is not None:
            writer.transport.abort()
        # The rest is the client's own bookkeeping, which stumbles over the aborted transport.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(0.05):
                await self.client.close()
        await asyncio.sleep(0)

    @property
    def _writer(self) -> asyncio.StreamWriter | None:
        # Not public; nats-py has no other way to its transport, and closing politely may wait
        # for ever for a peer that is gone.
        return getattr(self.client._transport, "_io_writer", None)

    async def _on_error(self, error: Exception) -> None:
        self._fail(error)

    async def _on_disconnect(self) -> None:
        self._fail(nats.errors.ConnectionClosedError())

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        if self._wait is not None and not self._wait.expired():
            self._wait.reschedule(0)
