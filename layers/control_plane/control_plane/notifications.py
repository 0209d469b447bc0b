"""The message that tells the workers of a command, the same whoever sends it (contract, 6)."""

from __future__ import annotations

import json
from typing import NamedTuple

from control_plane.ports import Notification

# For three texts of one start; an object would be gone through in Python, and an encoder made.
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def segment_of(execution_pool: str | None, playbook_path: str | None) -> str:
    """Return the pool segment of an execution's commands.

    :param playbook_path: what the playbook says of itself, not where the catalog has it
    """
    is_system = (playbook_path or "").startswith("system/")
    return execution_pool or ("system" if is_system else "shared")


class IssuedCommand(NamedTuple):
    """A command as its event tells of it; ``event_id`` is that event's."""

    execution_id: int
    event_id: int
    step: str

    @property
    def id(self) -> str:
        """The command's id in events and notifications."""
        return f"{self.execution_id}:{self.step}:{self.event_id}"


def command_notification(
    command: IssuedCommand, segment: str, server_url: str, traceparent: str | None
) -> Notification:
    """Return the first notification of a command; its message id is the command's own.

    :param server_url: where workers fetch and claim
    """
    message_id = command.id
    body = (
        f'{{"execution_id": {command.execution_id}, "event_id": {command.event_id},'
        f' "command_id": {_quoted(message_id)}, "step": {_quoted(command.step)},'
        f' "server_url": {_quoted(server_url)}}}'
    )
    return Notification(
        subject=f"noetl.commands.{segment}.{command.execution_id}",
        message_id=message_id,
        body=body,
        traceparent=traceparent,
    )
