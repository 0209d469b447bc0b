"""The catalog on PostgreSQL: `control_plane.ports.CatalogStore`."""

from __future__ import annotations

from control_plane.errors import CatalogVersionsExhausted
from control_plane.ports import CatalogVersion, NewCatalogEntry
from control_plane.postgres.connection import Database


class PostgresCatalogStore:
    """Registers playbooks."""

    def __init__(self, database: Database) -> None:
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
