"""A notifier in memory, held to the same contract as the real one."""

from __future__ import annotations

from collections.abc import Sequence

from control_plane.errors import NotificationFailed
from control_plane.ports import Notification


class FakeCommandNotifier:
    """Keeps what the workers would see.

    :ivar published: the notifications in the stream, one per message id
    :ivar failure: set to a reason, every notification fails for it
    :ivar calls: how often it was asked, for one or for many
    """

    def __init__(self) -> None:
        self.published: list[Notification] = []
        self.failure: str | None = None
        self.calls = 0

    def prepare(self) -> None:
        """There is nothing to connect to."""

    def notify(self, notification: Notification) -> None:
        (failure,) = self.notify_many([notification])
        if failure is not None:
            raise failure

    def notify_many(self, notifications: Sequence[Notification]) -> list[NotificationFailed | None]:
        self.calls += 1
        return list(map(self._publish, notifications))

    def _publish(self, notification: Notification) -> NotificationFailed | None:
        if self.failure is not None:
            return NotificationFailed(self.failure)
        if notification.message_id not in {seen.message_id for seen in self.published}:
            self.published.append(notification)
        return None

    def probe(self) -> str:
        return "ok" if self.failure is None else "no stream"
