"""The use case: start one execution of a playbook, exactly once."""

from __future__ import annotations

import json
from dataclasses import dataclass

from typing_extensions import TypedDict  # pydantic reads the standard one from 3.12 on only

from control_plane.command.builder import Command, build_command
from control_plane.command.context import merged_workload
from control_plane.errors import (
    CatalogEntryNotFound,
    Fault,
    IdempotencyKeyReused,
    InvalidRequest,
    NotificationFailed,
    PlaybookNotFound,
)
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.cache import PlaybookCache
from control_plane.playbook.model import Playbook
from control_plane.ports import (
    CatalogEntry,
    CatalogReference,
    CommandNotifier,
    ExecutionStore,
    KnownStart,
    Notification,
    Start,
    StartIds,
    StartObserver,
)
from control_plane.requests import Caller, ExecuteRequest

START_STEP = "start"


class StartAnswer(TypedDict):
    """What a caller is told of a start."""

    execution_id: str
    status: str
    commands_generated: int


@dataclass(frozen=True, slots=True)
class Execution:
    """A start that stands; ``replayed`` when its key was known and this is the first answer."""

    answer: StartAnswer
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionStarter:
    """Starts executions: the same way for every source, whatever is behind the ports.

    :ivar server_url: where workers fetch their command, told in every notification
    :ivar allowed_pools: the execution pools that a request may name
    """

    store: ExecutionStore
    notifier: CommandNotifier
    observer: StartObserver
    playbooks: PlaybookCache
    limits: Limits
    server_url: str
    allowed_pools: frozenset[str]

    def start(self, request: ExecuteRequest, caller: Caller, key: str | None = None) -> Execution:
        """Record one execution and notify the workers, or answer as the first time.

        :param key: the key of a header or attribute; it wins over the one in the body
        :raises RequestError: the caller can mend it; nothing was recorded
        :raises StoreUnavailable: nothing was recorded, or asking again under the same key tells
        """
        reference = self._checked_reference(request)
        stored_key = caller.stored_key(key or request.idempotency_key)
        fingerprint = request.fingerprint()
        held = self.playbooks.held(reference)
        found = self.store.resolve(stored_key, reference, held)
        if found.known is not None:
            return self._replay(found.known, fingerprint)
        if found.entry is None or found.ids is None:
            raise _not_found(reference)
        start = self._prepare(request, stored_key, fingerprint, found.entry, found.ids)
        known = self.store.record(start)
        if known is not None and known.answer != start.answer.value:
            return self._replay(known, fingerprint)
        self.observer.started(start.ids.execution_id, start.path)
        self._notify(start)
        return Execution(start.answer.value)

    def _checked_reference(self, request: ExecuteRequest) -> CatalogReference:
        pool = request.execution_pool
        if pool is not None and pool not in self.allowed_pools:
            allowed = ", ".join(sorted(self.allowed_pools))
            raise InvalidRequest(faults=(Fault("execution_pool", f"must be one of: {allowed}"),))
        return request.reference

    def _replay(self, known: KnownStart, fingerprint: bytes) -> Execution:
        if known.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        # Member by member: JSONB has reordered them, and equal answers had better look equal.
        answer = StartAnswer(
            execution_id=known.answer["execution_id"],
            status=known.answer["status"],
            commands_generated=known.answer["commands_generated"],
        )
        self.observer.replayed(int(answer["execution_id"]))
        return Execution(answer, replayed=True)

    def _prepare(
        self,
        request: ExecuteRequest,
        key: str,
        fingerprint: bytes,
        entry: CatalogEntry,
        ids: StartIds,
    ) -> Start:
        playbook = self.playbooks.playbook(entry)
        workload = merged_workload(playbook.workload, request.payload_json)
        command = build_command(
            playbook, START_STEP, workload, ids.execution_id, entry.catalog_id, self.limits
        )
        trace = request.trace.model_dump(exclude_none=True) if request.trace else None
        return Start(
            key=key,
            fingerprint=fingerprint,
            ids=ids,
            catalog_id=entry.catalog_id,
            path=entry.path,
            parent_execution_id=request.parent_execution_id,
            workload=workload,
            step=command.step,
            tool_kind=command.tool_kind,
            tool_config=command.tool_config,
            args=command.args,
            trace=Json(trace) if trace else None,
            execution_pool=request.execution_pool,
            answer=Json(
                StartAnswer(
                    execution_id=str(ids.execution_id), status="started", commands_generated=1
                )
            ),
            notification=self._notification(request, playbook, command, ids),
        )

    def _notification(
        self, request: ExecuteRequest, playbook: Playbook, command: Command, ids: StartIds
    ) -> Notification:
        is_system = (playbook.path or "").startswith("system/")
        segment = request.execution_pool or ("system" if is_system else "shared")
        command_id = f"{ids.execution_id}:{command.step}:{ids.issued_event_id}"
        message = {
            "execution_id": ids.execution_id,
            "event_id": ids.issued_event_id,
            "command_id": command_id,
            "step": command.step,
            "server_url": self.server_url,
        }
        return Notification(
            subject=f"noetl.commands.{segment}.{ids.execution_id}",
            message_id=command_id,
            body=json.dumps(message, ensure_ascii=False),
            traceparent=request.trace.traceparent if request.trace else None,
        )

    def _notify(self, start: Start) -> None:
        try:
            self.notifier.notify(start.notification)
        except NotificationFailed as failure:
            self.observer.notification_deferred(start.ids.execution_id, failure.message)
        else:
            self.store.acknowledge(start)


def _not_found(reference: CatalogReference) -> CatalogEntryNotFound | PlaybookNotFound:
    if reference.catalog_id is not None:
        return CatalogEntryNotFound(reference.catalog_id)
    return PlaybookNotFound(reference.path or "")
