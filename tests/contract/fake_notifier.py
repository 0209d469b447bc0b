"""A notifier in memory, held to the same contract as the real one."""

from __future__ import annotations

from control_plane.errors import NotificationFailed
from control_plane.ports import Notification


class FakeCommandNotifier:
    """Keeps what the workers would see.

    :ivar published: the notifications in the stream, one per message id
    :ivar failure: set to a reason, every notification fails for it
    """

    def __init__(self) -> None:
        self.published: list[Notification] = []
        self.failure: str | None = None

    def notify(self, notification: Notification) -> None:
        if self.failure is not None:
            raise NotificationFailed(self.failure)
        if notification.message_id not in {seen.message_id for seen in self.published}:
            self.published.append(notification)

    def probe(self) -> str:
        return "ok" if self.failure is None else "no stream"
