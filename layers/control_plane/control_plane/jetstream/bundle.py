"""Many notifications on their way at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import nats.errors
from nats.js.errors import NoStreamResponseError

from control_plane.errors import NotificationFailed
from control_plane.jetstream.connection import Connection
from control_plane.jetstream.failures import (
    ConnectionFailed,
    PermissionDenied,
    while_connected,
)
from control_plane.jetstream.streams import provide_stream
from control_plane.ports import Notification


class Bundle:
    """Notifications, and what is known of each; that outlives the connection they went out on.

    :param stream: the stream to make where none takes a subject; None makes none
    """

    def __init__(self, notifications: Sequence[Notification], stream: str | None) -> None:
        self._notifications = notifications
        self._stream = stream
        self._outcomes: dict[int, NotificationFailed | None] = {}
        self._homeless: list[int] = []

    def outcomes(self, otherwise: NotificationFailed) -> list[NotificationFailed | None]:
        """Return what became of each; `otherwise` where that is not known."""
        places = range(len(self._notifications))
        return [self._outcomes.get(place, otherwise) for place in places]

    def deny(self, denied: PermissionDenied) -> bool:
        """Note that a segment's subjects are denied; return whether others are worth a try.

        The server says it of a subject and of no message, and goes on with the others.
        """
        segment = _segment(denied.subject)
        places = [
            place
            for place, one in enumerate(self._notifications)
            if place not in self._outcomes and _segment(one.subject.lower()) == segment
        ]
        self._outcomes.update(dict.fromkeys(places, denied))
        return bool(places) and len(self._outcomes) < len(self._notifications)

    async def publish(self, connection: Connection) -> None:
        """Publish those of which nothing is known; belongs into `Connection.waiting`."""
        self._homeless.clear()
        places = range(len(self._notifications))
        await self._publish(connection, [one for one in places if one not in self._outcomes])
        if self._homeless:
            await self._provide_stream(connection)

    async def _publish(self, connection: Connection, places: Iterable[int]) -> None:
        failed = await asyncio.gather(*(self._publish_one(connection, one) for one in places))
        for error in filter(None, failed):
            raise error

    async def _publish_one(self, connection: Connection, place: int) -> Exception | None:
        """Publish one; return the error that ends the connection, for none may leave the rest."""
        try:
            await connection.publish(self._notifications[place])
        except (OSError, nats.errors.Error) as error:
            failure = while_connected(error)
            if isinstance(failure, ConnectionFailed):
                return error
            if isinstance(error, NoStreamResponseError):
                self._homeless.append(place)
            self._outcomes[place] = failure
        else:
            self._outcomes[place] = None
        connection.note_progress()
        return None

    async def _provide_stream(self, connection: Connection) -> None:
        if self._stream is None:
            return
        homeless, self._homeless = self._homeless, []
        by_segment: dict[str, list[int]] = {}
        for place in homeless:
            segment = _segment(self._notifications[place].subject)
            by_segment.setdefault(segment, []).append(place)
        for places in by_segment.values():
            subject = self._notifications[places[0]].subject
            try:
                await provide_stream(connection.client, subject, self._stream)
            except NotificationFailed as failure:
                self._outcomes.update(dict.fromkeys(places, failure))
            else:
                for place in places:
                    del self._outcomes[place]
                await self._publish(connection, places)


def _segment(subject: str) -> str:
    return subject.rpartition(".")[0]
