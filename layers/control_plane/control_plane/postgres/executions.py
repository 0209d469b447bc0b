"""Starts on PostgreSQL: `control_plane.ports.ExecutionStore`."""

from __future__ import annotations

from collections import deque
from typing import Any

from control_plane.errors import CatalogEntryNotFound
from control_plane.json_text import Json
from control_plane.ports import (
    CatalogEntry,
    CatalogReference,
    KnownStart,
    Resolution,
    Start,
    StartIds,
)
from control_plane.postgres.connection import Database
from control_plane.postgres.failures import ReferenceGone

MOST_ACKNOWLEDGED = 1000
"""Acknowledgements that are kept while no start is recorded; the relay does without them."""


class PostgresExecutionStore:
    """Keeps starts.

    Both calls are one round trip and may be sent again when the connection is lost: `resolve`
    reads, and `record` writes under a key that tells whether it has been carried out.

    :param hold_days: how long a key is held
    """

    def __init__(self, database: Database, hold_days: int) -> None:
        self._database = database
        self._hold_days = hold_days
        self._acknowledged: deque[int] = deque(maxlen=MOST_ACKNOWLEDGED)

    def resolve(self, key: str, reference: CatalogReference, held: int | None) -> Resolution:
        """Look up the key, the catalog entry and four fresh ids.

        :raises StoreUnavailable: the database cannot answer
        """
        fingerprint, answer, ids, *entry = self._database.fetch(
            "resolve_start",
            {
                "key": key,
                "catalog_id": reference.catalog_id,
                "path": reference.path,
                "held": held,
            },
            repeatable=True,
        )
        if fingerprint is not None:
            return Resolution(known=KnownStart(fingerprint, answer))
        return Resolution(entry=_entry(*entry), ids=StartIds(*ids))

    def record(self, start: Start) -> KnownStart | None:
        """Write the start as a whole, or tell what its key stands for.

        :raises StoreUnavailable: the database cannot answer; the same key tells what it did
        :raises CatalogEntryNotFound: the entry has been removed since it was resolved
        """
        acknowledged = list(self._acknowledged)
        try:
            execution_id, fingerprint, answer = self._database.fetch(
                "record_start",
                _parameters(start) | {"hold_days": self._hold_days, "acknowledged": acknowledged},
                repeatable=True,
            )
        except ReferenceGone:
            raise CatalogEntryNotFound(start.catalog_id) from None
        self._acknowledged.clear()
        # Our own id: a first try was carried out although its answer was lost.
        if execution_id is None or execution_id == start.ids.execution_id:
            return None
        return KnownStart(fingerprint, answer)

    def acknowledge(self, start: Start) -> None:
        """Remember that the start's notification arrived, until the next `record`."""
        self._acknowledged.append(start.ids.command_id)


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


def _text(value: Json | None) -> str | None:
    return None if value is None else value.text
