"""The use case: start many executions, each for itself, in one conversation with the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from control_plane.errors import RequestError, StoreUnavailable
from control_plane.executions import Execution, ExecutionStarter, StartRequest, not_found
from control_plane.playbook.model import Playbook
from control_plane.ports import CatalogEntry, KnownStart, Lookup, Resolution, Start
from control_plane.requests import Caller, ExecuteRequest

CHUNK_BYTES = 4 * 1024 * 1024
"""Starts are recorded together until they are about as large as this."""

Outcome = Execution | Exception
"""What became of one item: a start that stands, or why there is none.

A `RequestError` never passes by itself, a `StoreUnavailable` may; any other error is a defect.
"""


class BatchItem(NamedTuple):
    """One start among others: the parameters of `ExecutionStarter.start`.

    :ivar group: items of a group keep their order: none starts while one before it still may
    """

    request: ExecuteRequest
    caller: Caller
    key: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class BatchStarter:
    """Starts many at once: two round trips for all, unless documents or workloads are large."""

    starter: ExecutionStarter
    chunk_bytes: int = CHUNK_BYTES

    def start(self, items: Sequence[BatchItem | Exception]) -> list[Outcome]:
        """Start what can be started; the outcomes are in the order of the items.

        An error in place of an item, which could not be read, is its own outcome.

        They take effect in that order, too: of two under one key the second is a replay of the
        first. What is wrong with one concerns no other, but when the database goes away, the rest
        is not tried.
        """
        batch = _Batch(self.starter, self.chunk_bytes, items)
        batch.run()
        return [batch.outcomes[place] for place in range(len(items))]


class _Waiting(NamedTuple):
    place: int
    asked: StartRequest


class _Prepared(NamedTuple):
    place: int
    asked: StartRequest
    start: Start


class _Batch:
    """One batch under way."""

    def __init__(
        self,
        starter: ExecutionStarter,
        chunk_bytes: int,
        items: Sequence[BatchItem | Exception],
    ) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._starter = starter
        self._chunk_bytes = chunk_bytes
        self._items = items
        self._blocked: dict[str, Exception] = {}
        # Held for as long as one answer of the store is worked through: its documents come once,
        # and the cache may drop what it held when it was asked.
        self._playbooks: dict[int, Playbook | Exception] = {}
        self._prepared: list[_Prepared] = []
        self._prepared_bytes = 0

    def run(self) -> None:
        """Give each item its outcome."""
        self._starter.notifier.prepare()
        try:
            self._prepare_all(self._accepted())
            self._record_prepared()
        except StoreUnavailable as error:
            for place in range(len(self._items)):
                self.outcomes.setdefault(place, error)

    def _accepted(self) -> list[_Waiting]:
        accepted = []
        for place, item in enumerate(self._items):
            if isinstance(item, Exception):
                self.outcomes[place] = item
                continue
            with self._failing(place):
                asked = self._starter.accept(item.request, item.caller, item.key)
                accepted.append(_Waiting(place, asked))
        return accepted

    def _prepare_all(self, waiting: list[_Waiting]) -> None:
        most = len(waiting)
        while waiting:
            try:
                found = self._starter.store.resolve_many(self._lookups(waiting[:most]))
            except StoreUnavailable:
                raise
            except Exception as error:
                # One of them cannot be asked for; fewer at a time until it is alone.
                most = min(most, len(waiting)) // 2
                if not most:
                    most = 1
                    self._fail(waiting.pop(0).place, error)
                continue
            for one, resolution in zip(waiting, found, strict=False):
                self._prepare(one, resolution)
            del waiting[: len(found)]
            most *= 2

    def _lookups(self, waiting: list[_Waiting]) -> list[Lookup]:
        cache = self._starter.playbooks
        self._playbooks.clear()
        lookups = []
        for one in waiting:
            held = cache.held(one.asked.reference)
            if held is not None and (playbook := cache.kept(held)):
                self._playbooks[held] = playbook
            lookups.append(Lookup(one.asked.key, one.asked.reference, held))
        return lookups

    def _prepare(self, one: _Waiting, found: Resolution) -> None:
        if self._is_blocked(one.place):
            return
        with self._failing(one.place):
            if found.known is not None:
                self.outcomes[one.place] = self._starter.replay(found.known, one.asked)
                return
            if found.entry is None or found.ids is None:
                raise not_found(one.asked.reference)
            playbook = self._playbook(found.entry)
            start = self._starter.prepare(one.asked, found.entry, playbook, found.ids)
            self._prepared.append(_Prepared(one.place, one.asked, start))
            self._prepared_bytes += _size(start)
        if self._prepared_bytes >= self._chunk_bytes:
            self._record_prepared()

    def _playbook(self, entry: CatalogEntry) -> Playbook:
        if entry.catalog_id not in self._playbooks:
            try:
                self._playbooks[entry.catalog_id] = self._starter.playbooks.playbook(entry)
            except Exception as error:  # for each item that has this playbook
                self._playbooks[entry.catalog_id] = error
        found = self._playbooks[entry.catalog_id]
        if isinstance(found, Exception):
            raise found.with_traceback(None)
        return found

    def _record_prepared(self) -> None:
        prepared, self._prepared = self._prepared, []
        self._prepared_bytes = 0
        self._record(prepared)

    def _record(self, prepared: list[_Prepared]) -> None:
        prepared = [one for one in prepared if not self._is_blocked(one.place)]
        if not prepared:
            return
        try:
            told = self._starter.store.record_many([one.start for one in prepared])
        except StoreUnavailable:
            raise
        except Exception as error:
            # One of them cannot be written, and so none was; halves, until it is alone.
            if len(prepared) == 1:
                self._fail(prepared[0].place, error)
                return
            half = len(prepared) // 2
            self._record(prepared[:half])
            self._record(prepared[half:])
        else:
            self._conclude(prepared, told)

    def _conclude(self, prepared: list[_Prepared], told: list[KnownStart | None]) -> None:
        started = []
        for one, known in zip(prepared, told, strict=True):
            with self._failing(one.place):
                execution = self._starter.conclude(one.asked, one.start, known)
                self.outcomes[one.place] = execution
                if not execution.replayed:
                    self._starter.announcement(one.start)()
                    started.append(one.start)
        if started:
            failures = self._starter.notifier.notify_many([one.notification for one in started])
            for start, failure in zip(started, failures, strict=True):
                self._starter.settle(start, failure)

    @contextmanager
    def _failing(self, place: int) -> Iterator[None]:
        """Let what goes wrong inside concern this item alone."""
        try:
            yield
        except StoreUnavailable:
            raise
        except Exception as error:  # a defect, too, concerns this item alone
            self._fail(place, error)

    def _fail(self, place: int, error: Exception) -> None:
        self.outcomes[place] = error
        group = self._group(place)
        if group is not None and not isinstance(error, RequestError):
            self._blocked.setdefault(group, error)

    def _is_blocked(self, place: int) -> bool:
        """Tell whether one before it in its group may still start, and so it must wait."""
        group = self._group(place)
        if group is None or group not in self._blocked:
            return False
        self.outcomes[place] = self._blocked[group]
        return True

    def _group(self, place: int) -> str | None:
        item = self._items[place]
        return item.group if isinstance(item, BatchItem) else None


def _size(start: Start) -> int:
    texts = (start.workload, start.tool_config, start.args)
    return 1000 + sum(len(text.text) for text in texts)
