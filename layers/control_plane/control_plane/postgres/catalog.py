"""The catalog on PostgreSQL: `control_plane.ports.CatalogStore`."""

from __future__ import annotations

from control_plane.catalog.ports import CatalogVersion, EntryPage, NewCatalogEntry, StoredEntry
from control_plane.errors import CatalogVersionsExhausted
from control_plane.postgres.connection import Statements


class PostgresCatalogStore:
    """Registers playbooks, and reads what is registered."""

    def __init__(self, database: Statements) -> None:
        self._database = database

    def register(self, entry: NewCatalogEntry) -> CatalogVersion:
        """Add an entry under the next version of its path.

        Not sent again when the connection is lost, for it may have made a version already.

        :raises CatalogVersionsExhausted: version 32,767 is taken
        :raises StoreUnavailable: the database cannot answer; a version may have been made
        """
        catalog_id, version = self._database.fetch(
            "register_playbook",
            {
                "path": entry.path,
                "kind": entry.kind.lower(),
                "content": entry.content,
                "payload": entry.payload.text,
                "meta": entry.meta.text,
            },
            repeatable=False,
        )
        if version is None:
            raise CatalogVersionsExhausted(f"Path '{entry.path}' has no version left")
        return CatalogVersion(catalog_id, version)

    def page(self, kind: str | None, limit: int, most_bytes: int, below: int | None) -> EntryPage:
        """Return entries, newest first; one round trip.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "list_catalog",
            {"kind": kind, "rows": limit + 1, "most_bytes": most_bytes, "below": below},
        )
        entries = tuple(StoredEntry(*entry) for *entry, _ in rows[:limit])
        return EntryPage(entries, has_more=bool(rows) and rows[0][-1] > len(entries))

    def find(
        self, catalog_id: int | None, path: str | None, version: int | None
    ) -> StoredEntry | None:
        """Return one entry; one round trip.

        :raises StoreUnavailable: the database cannot answer
        """
        rows = self._database.fetch_all(
            "get_catalog_entry", {"catalog_id": catalog_id, "path": path, "version": version}
        )
        return StoredEntry(*rows[0]) if rows else None
