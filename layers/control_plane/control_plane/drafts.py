"""What a start can be put together of while the store is still asked."""

# No `from __future__ import annotations`: making a record parses each such text.

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from control_plane.command.builder import Command, build_command, draft_command
from control_plane.command.context import merged_workload
from control_plane.errors import RequestError
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.model import Playbook
from control_plane.requests import ExecuteRequest

START_STEP = "start"


class Content(NamedTuple):
    """What is started: the playbook's workload overridden by the payload, and the command."""

    workload: Json
    command: Command


@dataclass(slots=True)
class Draft:
    """The content of a start, made ahead from the playbook that is probably meant.

    :ivar catalog_id: the entry of that playbook; None where there is none
    """

    request: ExecuteRequest
    limits: Limits
    playbook: Playbook | None = None
    catalog_id: int | None = None
    _content: Content | None = None

    def write(self) -> None:
        """Do what asks nobody and needs no answer; what is wrong is told by `content`."""
        _ = self.request.fingerprint  # made and kept
        if self.playbook is None or self.catalog_id is None or self._content is not None:
            return
        with suppress(RequestError):
            workload = merged_workload(self.playbook.workload, self.request.payload_json)
            command = draft_command(
                self.playbook, START_STEP, workload, self.catalog_id, self.limits
            )
            if command is not None:
                self._content = Content(workload, command)

    def content(self, playbook: Playbook, catalog_id: int, execution_id: int) -> Content:
        """Return what was made ahead, if this playbook was meant; else make it.

        :raises RequestError: the playbook cannot be started with this request
        """
        if self._content is not None and self.catalog_id == catalog_id:
            return self._content
        workload = merged_workload(playbook.workload, self.request.payload_json)
        return Content(
            workload,
            build_command(playbook, START_STEP, workload, execution_id, catalog_id, self.limits),
        )
