"""The use case: start one execution of a playbook, exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from time import perf_counter
from typing import NamedTuple

from typing_extensions import TypedDict  # pydantic reads the standard one from 3.12 on only

from control_plane.command.builder import Command
from control_plane.drafts import Draft
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
from control_plane.notifications import IssuedCommand, command_notification, segment_of
from control_plane.playbook.cache import PlaybookCache
from control_plane.playbook.model import Playbook
from control_plane.ports import (
    CatalogEntry,
    CatalogReference,
    CommandNotifier,
    ExecutionStore,
    KnownStart,
    Notification,
    Phases,
    Start,
    StartIds,
    StartObserver,
    Work,
)
from control_plane.requests import Caller, ExecuteRequest
from control_plane.trace_context import Trace


class StartAnswer(TypedDict):
    """What a caller is told of a start."""

    execution_id: str
    status: str
    commands_generated: int


class Execution(NamedTuple):
    """A start that stands; ``replayed`` when its key was known and this is the first answer."""

    answer: StartAnswer
    replayed: bool = False


class StartRequest(NamedTuple):
    """A request that may be served, with the key under which it starts once.

    :ivar key: as it is stored
    """

    request: ExecuteRequest
    key: str
    reference: CatalogReference
    trace: Trace | None


@dataclass(eq=False, repr=False)  # frozen and with slots it takes three times as long to make
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
        asked = self.accept(request, caller, key)
        held = self.playbooks.held(asked.reference)
        draft = Draft(request, self.limits, self.playbooks.kept(held), held)
        self.notifier.prepare()
        begun = perf_counter()
        found = self.store.resolve(asked.key, asked.reference, held, meanwhile=draft.write)
        resolved = perf_counter()
        if found.known is not None:
            return self.replay(found.known, asked)
        if found.entry is None or found.ids is None:
            raise not_found(asked.reference)
        playbook = self.playbooks.playbook(found.entry)
        parsed = perf_counter()
        start = self.prepare(asked, found.entry, playbook, found.ids, draft)
        built = perf_counter()
        get_announcement = cache(partial(self.announcement, start))  # made once
        known = self.store.record(start, meanwhile=get_announcement)
        recorded = perf_counter()
        execution = self.conclude(asked, start, known)
        if not execution.replayed:
            announce = get_announcement()
            announce()
            concluded = perf_counter()
            self._notify(start)
            self.observer.took(
                Phases(
                    resolve=resolved - begun - draft.seconds,
                    parse=parsed - resolved,
                    build=built - parsed + draft.seconds,
                    record=recorded - built,
                    notify=perf_counter() - concluded,
                )
            )
        return execution

    def accept(
        self, request: ExecuteRequest, caller: Caller, key: str | None = None
    ) -> StartRequest:
        """Check what can be checked without the database.

        :raises InvalidRequest: no playbook is named, or a pool that is not allowed
        """
        pool = request.execution_pool
        if pool is not None and pool not in self.allowed_pools:
            allowed = ", ".join(sorted(self.allowed_pools))
            raise InvalidRequest(faults=(Fault("execution_pool", f"must be one of: {allowed}"),))
        return StartRequest(
            request=request,
            key=caller.stored_key(key or request.idempotency_key),
            reference=request.reference,
            trace=request.trace or caller.trace,
        )

    def replay(self, known: KnownStart, asked: StartRequest) -> Execution:
        """Answer as the first time.

        :raises IdempotencyKeyReused: the key belongs to another request
        """
        if known.fingerprint != asked.request.fingerprint:
            raise IdempotencyKeyReused
        # Member by member: JSONB has reordered them, and equal answers had better look equal.
        answer = StartAnswer(
            execution_id=known.answer["execution_id"],
            status=known.answer["status"],
            commands_generated=known.answer["commands_generated"],
        )
        self.observer.replayed(int(answer["execution_id"]))
        return Execution(answer, replayed=True)

    def prepare(
        self,
        asked: StartRequest,
        entry: CatalogEntry,
        playbook: Playbook,
        ids: StartIds,
        draft: Draft | None = None,
    ) -> Start:
        """Put together all that is recorded; asks nobody.

        :param draft: what was made ahead
        :raises RequestError: the playbook cannot be started with this request
        """
        request = asked.request
        draft = draft or Draft(request, self.limits)
        workload, command = draft.content(playbook, entry.catalog_id, ids.execution_id)
        trace = asked.trace.model_dump(exclude_none=True) if asked.trace else None
        return Start(
            key=asked.key,
            fingerprint=request.fingerprint,
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
            answer=_first_answer(str(ids.execution_id)),
            notification=self._notification(asked, playbook, command, ids),
        )

    def conclude(self, asked: StartRequest, start: Start, known: KnownStart | None) -> Execution:
        """Answer, once the store has told what the key stands for.

        :param known: what `ExecutionStore.record` returned
        :raises IdempotencyKeyReused: as `replay`
        """
        # Its own answer: a first try was carried out although its reply was lost.
        if known is not None and known.answer != start.answer.value:
            return self.replay(known, asked)
        return Execution(start.answer.value)

    def settle(self, start: Start, failure: NotificationFailed | None) -> None:
        """Note what became of the notification: it arrived, or the relay will see to it."""
        if failure is None:
            self.store.acknowledge(start)
        else:
            self.observer.notification_deferred(start.ids.execution_id, failure.message)

    def announcement(self, start: Start) -> Work:
        """Return what tells the observer, when it is done, that the start stands."""
        return self.observer.announcement(start.ids.execution_id, start.path)

    def _notify(self, start: Start) -> None:
        try:
            self.notifier.notify(start.notification)
        except NotificationFailed as failure:
            self.settle(start, failure)
        else:
            self.settle(start, None)

    def _notification(
        self, asked: StartRequest, playbook: Playbook, command: Command, ids: StartIds
    ) -> Notification:
        return command_notification(
            IssuedCommand(ids.execution_id, ids.issued_event_id, command.step),
            segment_of(asked.request.execution_pool, playbook.path),
            self.server_url,
            asked.trace.traceparent if asked.trace else None,
        )


def _first_answer(execution_id: str) -> Json:
    answer = StartAnswer(execution_id=execution_id, status="started", commands_generated=1)
    text = f'{{"commands_generated":1,"execution_id":"{execution_id}","status":"started"}}'
    return Json(answer, text)


def not_found(reference: CatalogReference) -> CatalogEntryNotFound | PlaybookNotFound:
    """Return the error that says that there is no such playbook."""
    if reference.catalog_id is not None:
        return CatalogEntryNotFound(reference.catalog_id)
    return PlaybookNotFound(reference.path or "")
