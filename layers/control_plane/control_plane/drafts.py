"""What a start can be put together of while the store is still asked."""

# No `from __future__ import annotations`: making a record parses each such text.

import contextlib
from time import perf_counter
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


class Draft:
    """The content of a start, made ahead from the playbook that is probably meant.

    :param catalog_id: the entry of that playbook
    :ivar seconds: how long `write` took
    """

    def __init__(
        self,
        request: ExecuteRequest,
        limits: Limits,
        playbook: Playbook | None = None,
        catalog_id: int | None = None,
    ) -> None:
        self.seconds = 0.0
        self._request = request
        self._limits = limits
        self._playbook = playbook
        self._catalog_id = catalog_id
        self._is_written = False
        self._made: Content | RequestError | None = None

    def write(self) -> None:
        """Do once what asks nobody and needs no answer; what is wrong is told by `content`."""
        if self._is_written:
            return
        self._is_written = True
        begun = perf_counter()
        # A defect will be met again, where it may be told: whether the key is known comes first.
        with contextlib.suppress(Exception):
            _ = self._request.fingerprint  # made and kept
            self._made = self._content_ahead()
        self.seconds = perf_counter() - begun

    def content(self, playbook: Playbook, catalog_id: int, execution_id: int) -> Content:
        """Return what was made ahead, if this playbook was meant; else make it.

        :raises RequestError: the playbook cannot be started with this request
        """
        if self._made is not None and self._catalog_id == catalog_id:
            if isinstance(self._made, RequestError):
                raise self._made
            return self._made
        workload = self._workload(playbook)
        return Content(
            workload,
            build_command(playbook, START_STEP, workload, execution_id, catalog_id, self._limits),
        )

    def _workload(self, playbook: Playbook) -> Json:
        return merged_workload(playbook.workload, self._request.payload_json)

    def _content_ahead(self) -> Content | RequestError | None:
        if self._playbook is None or self._catalog_id is None:
            return None
        workload = self._workload(self._playbook)
        try:
            command = draft_command(
                self._playbook, START_STEP, workload, self._catalog_id, self._limits
            )
        except RequestError as error:
            return error.with_traceback(None)
        return Content(workload, command) if command is not None else None
