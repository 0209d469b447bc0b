"""The stores in memory, for tests of what stands above them; held to the suite of the real ones."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from control_plane.catalog.ports import CatalogVersion, EntryPage, NewCatalogEntry, StoredEntry
from control_plane.errors import CatalogEntryNotFound, CatalogVersionsExhausted
from control_plane.json_text import Json
from control_plane.ports import (
    CatalogEntry,
    CatalogReference,
    KnownStart,
    Lookup,
    Notification,
    Resolution,
    Start,
    StartIds,
    Work,
    nothing,
)
from tests.contract.fake_execution_log import FakeEvent, FakeExecutionLog, events_of_start

LAST_VERSION = 32_767
MOST_DOCUMENT_BYTES = 4 * 1024 * 1024


@dataclass
class FakeDatabase:
    """What several stores share, as several sandboxes share a database."""

    ids: Iterator[int] = field(default_factory=lambda: itertools.count(658371920845275136))
    catalog: list[CatalogEntry] = field(default_factory=list)
    entries: list[StoredEntry] = field(default_factory=list)
    requests: dict[str, tuple[Start, datetime]] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)
    outbox: dict[int, Start] = field(default_factory=dict)
    events: list[FakeEvent] = field(default_factory=list)
    elapsed: float = 0.0
    recorded_at: dict[int, float] = field(default_factory=dict)
    outbox_rows: dict[int, Any] = field(default_factory=dict)
    looked_until: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, for the outbox, for ids and for keys."""
        self.elapsed += seconds
        self.ids = itertools.count(next(self.ids) + (int(seconds * 1000) << 23))
        passed = timedelta(seconds=seconds)
        for key, (start, expires_at) in self.requests.items():
            self.requests[key] = (start, expires_at - passed)

    def add(self, entry: CatalogEntry, kind: str, payload: Any, meta: Any) -> None:
        self.catalog.append(entry)
        content = entry.document if isinstance(entry.document, str) else None
        now = datetime.now(UTC).replace(tzinfo=None)
        self.entries.append(
            StoredEntry(
                catalog_id=entry.catalog_id,
                path=entry.path,
                version=entry.version,
                kind=kind,
                content=content,
                layout=None,
                payload=payload,
                meta=meta,
                created_at=now,
            )
        )

    def known(self, key: str) -> Start | None:
        start, expires_at = self.requests.get(key, (None, datetime.min.replace(tzinfo=UTC)))
        return start if datetime.now(UTC) < expires_at else None

    def find(self, reference: CatalogReference) -> CatalogEntry | None:
        if reference.catalog_id is not None:
            found = (e for e in self.catalog if e.catalog_id == reference.catalog_id)
            return next(found, None)
        versions = [e for e in self.catalog if e.path == reference.path]
        return max(versions, key=lambda e: e.version, default=None)


class FakeExecutionStore:
    """An `ExecutionStore` in memory.

    :ivar round_trips: how many calls a real one would have sent
    """

    def __init__(
        self,
        database: FakeDatabase | None = None,
        hold_days: int = 14,
        most_document_bytes: int = MOST_DOCUMENT_BYTES,
    ) -> None:
        self.database = database or FakeDatabase()
        self.acknowledged: list[int] = []
        self.round_trips = 0
        self._hold = timedelta(days=hold_days)
        self._most_document_bytes = most_document_bytes

    def resolve(
        self,
        key: str,
        reference: CatalogReference,
        held: int | None,
        meanwhile: Work = nothing,
    ) -> Resolution:
        meanwhile()
        (found,) = self.resolve_many([Lookup(key, reference, held)])
        return found

    def resolve_many(self, lookups: Sequence[Lookup]) -> list[Resolution]:
        self.round_trips += 1
        found: list[Resolution] = []
        sent: dict[int, int] = {}
        with self.database.lock:
            for lookup in lookups:
                one = self._resolve(lookup)
                entry = one.entry
                if entry is not None and entry.catalog_id in sent:
                    one = one._replace(entry=entry._replace(document=None))
                elif entry is not None and entry.document is not None:
                    sent[entry.catalog_id] = len(str(entry.document))
                    if len(sent) > 1 and sum(sent.values()) > self._most_document_bytes:
                        break
                found.append(one)
        return found

    def _resolve(self, lookup: Lookup) -> Resolution:
        known = self.database.known(lookup.key)
        if known is not None:
            return Resolution(known=_as_known(known))
        entry = self.database.find(lookup.reference)
        if entry is not None and entry.catalog_id == lookup.held:
            entry = entry._replace(document=None)
        return Resolution(entry=entry, ids=StartIds(*itertools.islice(self.database.ids, 4)))

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        meanwhile()
        (known,) = self.record_many([start])
        return known

    def record_many(self, starts: Sequence[Start]) -> list[KnownStart | None]:
        self.round_trips += 1
        with self.database.lock:
            for start in starts:
                if self.database.known(start.key) is None:
                    self._check(start)
            known = list(map(self._record, starts))
            for command_id in self.acknowledged:
                if starts[0].ids.command_id - command_id < 60_000 << 23:
                    self.database.outbox.pop(command_id, None)
            self.acknowledged.clear()
            return known

    def _record(self, start: Start) -> KnownStart | None:
        known = self.database.known(start.key)
        if known is None:
            self._write(start)
        return None if known is None or known.ids == start.ids else _as_known(known)

    def acknowledge(self, start: Start) -> None:
        self.acknowledged.append(start.ids.command_id)

    def _check(self, start: Start) -> None:
        if self.database.find(CatalogReference(start.catalog_id, None)) is None:
            raise CatalogEntryNotFound(start.catalog_id)

    def _write(self, start: Start) -> None:
        self.database.requests[start.key] = (start, datetime.now(UTC) + self._hold)
        self.database.starts.append(start)
        self.database.outbox[start.ids.command_id] = start
        self.database.recorded_at[start.ids.command_id] = self.database.elapsed
        self.database.events.extend(events_of_start(start))


class FakeCatalogStore:
    """A `CatalogStore` in memory."""

    def __init__(self, database: FakeDatabase | None = None) -> None:
        self.database = database or FakeDatabase()

    def register(self, entry: NewCatalogEntry) -> CatalogVersion:
        with self.database.lock:
            newest = self.database.find(CatalogReference(None, entry.path))
            version = newest.version + 1 if newest else 1
            if version > LAST_VERSION:
                raise CatalogVersionsExhausted
            stored = CatalogEntry(next(self.database.ids), entry.path, version, entry.content)
            self.database.add(stored, entry.kind, entry.payload.value, entry.meta.value)
            return CatalogVersion(stored.catalog_id, version)

    def page(self, kind: str | None, limit: int, most_bytes: int, below: int | None) -> EntryPage:
        meant = [
            entry
            for entry in sorted(self.database.entries, key=lambda e: e.catalog_id, reverse=True)
            if kind in {None, entry.kind} and (below is None or entry.catalog_id < below)
        ]
        fitting, size = [], 0
        for entry in meant[:limit]:
            of_entry = 500 + len(entry.content or "") + len(json.dumps(entry.payload))
            size += of_entry
            if fitting and size > most_bytes:
                break
            fitting.append(entry._replace(payload=None) if of_entry > most_bytes else entry)
        return EntryPage(tuple(fitting), len(fitting) < len(meant))

    def find(
        self, catalog_id: int | None, path: str | None, version: int | None
    ) -> StoredEntry | None:
        if catalog_id is not None:
            return next((e for e in self.database.entries if e.catalog_id == catalog_id), None)
        versions = [e for e in self.database.entries if e.path == path]
        found = [e for e in versions if version in {None, e.version}]
        return max(found, key=lambda e: e.version, default=None)


class FakeBackend:
    """A database in memory and the stores on it, as the contract suite wants them."""

    def __init__(self) -> None:
        self.database = FakeDatabase()

    def execution_store(self, **arguments: Any) -> FakeExecutionStore:
        return FakeExecutionStore(self.database, **arguments)

    def catalog_store(self) -> FakeCatalogStore:
        return FakeCatalogStore(self.database)

    def execution_log(self, **arguments: Any) -> FakeExecutionLog:
        return FakeExecutionLog(self.database, **arguments)

    def outbox(self, **arguments: Any) -> Any:
        from tests.contract.fake_outbox import FakeOutbox

        return FakeOutbox(self.database, **arguments)

    def pass_time(self, seconds: float) -> None:
        self.database.pass_time(seconds)

    def keys(self) -> list[str]:
        return sorted(self.database.requests)

    def append(self, execution_id: int, event_id: int, event_type: str, **columns: Any) -> None:
        self.database.events.append(FakeEvent(execution_id, event_id, event_type, **columns))

    def add_entry(
        self, path: str, version: int, content: str | None, payload: dict[str, Any] | None
    ) -> int:
        entry = CatalogEntry(next(self.database.ids), path, version, content or payload)
        self.database.add(entry, "playbook", payload, None)
        return entry.catalog_id

    def expire(self, key: str) -> None:
        start, _ = self.database.requests[key]
        self.database.requests[key] = (start, datetime.now(UTC))

    def started(self) -> list[int]:
        return [start.ids.execution_id for start in self.database.starts]

    def pending(self) -> list[int]:
        return list(self.database.outbox)


def a_start(ids: StartIds, catalog_id: int, key: str = "http:anonymous:a", **changes: Any) -> Start:
    """Return a start that can be recorded; `changes` are fields of `Start`."""
    answer = {
        "execution_id": str(ids.execution_id),
        "status": "started",
        "commands_generated": 1,
    }
    message_id = f"{ids.execution_id}:start:{ids.issued_event_id}"
    fields: dict[str, Any] = {
        "key": key,
        "fingerprint": hashlib.sha256(b"request").digest(),
        "ids": ids,
        "catalog_id": catalog_id,
        "path": "examples/hello",
        "parent_execution_id": None,
        "workload": Json({"name": "Ada"}),
        "step": "start",
        "tool_kind": "python",
        "tool_config": Json({"code": "print(1)"}),
        "args": Json({}),
        "trace": None,
        "execution_pool": None,
        "answer": Json(answer),
        "notification": Notification(
            subject=f"noetl.commands.shared.{ids.execution_id}",
            message_id=message_id,
            body='{"step": "start"}',
        ),
    }
    return Start(**fields | changes)


def _as_known(start: Start) -> KnownStart:
    return KnownStart(start.fingerprint, start.answer.value)
