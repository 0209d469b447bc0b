"""Starts on PostgreSQL: `control_plane.ports.ExecutionStore`."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

from control_plane.errors import CatalogEntryNotFound
from control_plane.json_text import Json
from control_plane.ports import (
    CatalogEntry,
    CatalogReference,
    KnownStart,
    Lookup,
    Resolution,
    Start,
    StartIds,
    Work,
    nothing,
)
from control_plane.postgres.connection import Statements
from control_plane.postgres.failures import ReferenceGone
from control_plane.postgres.texts import bytes_of

MOST_ACKNOWLEDGED = 1000
"""Acknowledgements that are kept while no start is recorded; the relay does without them."""
ROW_MILLISECONDS = 60_000
"""After so long a row of the outbox falls due."""
ID_MILLISECONDS = 23
"""The bit from which on an id counts milliseconds."""
MOST_FORGOTTEN = 50
"""Acknowledged rows that one start takes along: after a large batch the next one is not late."""
MOST_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Playbooks that are sent for many starts at once, together; one by itself may be larger."""

_ENTRY = ("catalog_id", "path", "version", "content", "payload")


class PostgresExecutionStore:
    """Keeps starts.

    Each call is one round trip and may be sent again when the connection is lost: `resolve`
    reads, and `record` writes under a key that tells whether it has been carried out.

    :param hold_days: how long a key is held
    :param most_document_bytes: how large the documents for many starts may be together
    """

    def __init__(
        self, database: Statements, hold_days: int, most_document_bytes: int = MOST_DOCUMENT_BYTES
    ) -> None:
        self._database = database
        self._hold_days = hold_days
        self._most_document_bytes = most_document_bytes
        self._acknowledged: deque[int] = deque(maxlen=MOST_ACKNOWLEDGED)

    def resolve(
        self,
        key: str,
        reference: CatalogReference,
        held: int | None,
        meanwhile: Work = nothing,
    ) -> Resolution:
        """Look up the key, the catalog entry and four fresh ids.

        :raises StoreUnavailable: the database cannot answer
        """
        found = self._database.fetch_json(
            "resolve_start",
            {
                "key": key,
                "catalog_id": reference.catalog_id,
                "path": reference.path,
                "held": held,
            },
            meanwhile,
        )
        entry = [found[column] for column in _ENTRY]
        return _resolution(_bytes(found["fingerprint"]), found["answer"], found["ids"], *entry)

    def resolve_many(self, lookups: Sequence[Lookup]) -> list[Resolution]:
        """Answer as many of the lookups as documents fit, at least the first.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "resolve_starts",
            {
                "keys": [lookup.key for lookup in lookups],
                "catalog_ids": [lookup.reference.catalog_id for lookup in lookups],
                "paths": [lookup.reference.path for lookup in lookups],
                "held": [lookup.held for lookup in lookups],
                "most_bytes": self._most_document_bytes,
            },
        )
        return [_resolution(*row) for row in rows]

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        """Write the start as a whole, or tell what its key stands for.

        :raises StoreUnavailable: the database cannot answer; the same key tells what it did
        :raises CatalogEntryNotFound: the entry has been removed since it was resolved
        """
        oldest = list(islice(self._acknowledged, MOST_FORGOTTEN))
        try:
            told = self._database.fetch_json(
                "record_start", _parameters(start) | self._settings(start, oldest), meanwhile
            )
        except ReferenceGone:
            raise CatalogEntryNotFound(start.catalog_id) from None
        self._forget(oldest)
        return _known(start, told["execution_id"], _bytes(told["fingerprint"]), told["answer"])

    def record_many(self, starts: Sequence[Start]) -> list[KnownStart | None]:
        """Write each start as a whole, all in one commit, or tell what its key stands for.

        :raises StoreUnavailable: the database cannot answer; the same keys tell what it did
        :raises CatalogEntryNotFound: an entry has been removed since it was resolved
        """
        each = [_parameters(start) for start in starts]
        columns = {name: [one[name] for one in each] for name in each[0]}
        all_of_them = list(self._acknowledged)
        settings = self._settings(starts[0], all_of_them)
        try:
            rows = self._database.fetch_all("record_starts", columns | settings)
        except ReferenceGone:
            raise CatalogEntryNotFound(starts[0].catalog_id) from None
        self._forget(all_of_them)
        return [_known(start, *row) for start, row in zip(starts, rows, strict=True)]

    def acknowledge(self, start: Start) -> None:
        """Remember that the start's notification arrived, until the next `record`."""
        self._acknowledged.append(start.ids.command_id)

    def _forget(self, command_ids: list[int]) -> None:
        for _ in command_ids:
            self._acknowledged.popleft()

    def _settings(self, start: Start, acknowledged: list[int]) -> dict[str, Any]:
        # Ids are times of the database. After a minute a row is the relay's, which may have
        # plans with it.
        arrived = [
            command_id
            for command_id in acknowledged
            if 0 <= (start.ids.command_id - command_id) >> ID_MILLISECONDS < ROW_MILLISECONDS
        ]
        return {"hold_days": self._hold_days, "acknowledged": arrived}


def _resolution(
    fingerprint: bytes | None, answer: dict[str, Any], ids: list[int], *entry: Any
) -> Resolution:
    if fingerprint is not None:
        return Resolution(known=KnownStart(fingerprint, answer))
    return Resolution(entry=_entry(*entry), ids=StartIds(*ids))


def _known(
    start: Start, execution_id: int | None, fingerprint: bytes | None, answer: dict[str, Any]
) -> KnownStart | None:
    # Our own id: a first try was carried out although its answer was lost.
    if fingerprint is None or execution_id == start.ids.execution_id:
        return None
    return KnownStart(fingerprint, answer)


def _entry(
    catalog_id: int | None,
    path: str,
    version: int,
    content: str | None,
    payload: dict[str, Any] | None,
) -> CatalogEntry | None:
    if catalog_id is None:
        return None
    return CatalogEntry(catalog_id, path, version, payload if content is None else content)


def _parameters(start: Start) -> dict[str, Any]:
    return {
        "key": start.key,
        "fingerprint": start.fingerprint,
        "answer": start.answer.text,
        "execution_id": start.ids.execution_id,
        "started_event_id": start.ids.started_event_id,
        "issued_event_id": start.ids.issued_event_id,
        "command_id": start.ids.command_id,
        "catalog_id": start.catalog_id,
        "path": start.path,
        "parent_execution_id": start.parent_execution_id,
        "workload": start.workload.text,
        "step": start.step,
        "tool_kind": start.tool_kind,
        "tool_config": start.tool_config.text,
        "args": start.args.text,
        "trace": _text(start.trace),
        "execution_pool": start.execution_pool,
        "subject": start.notification.subject,
        "message_id": start.notification.message_id,
        "body": start.notification.body,
        "traceparent": start.notification.traceparent,
    }


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes_of(text)


def _text(value: Json | None) -> str | None:
    return None if value is None else value.text
