"""What the catalog needs from the outside: a store, and its words.

The adapter is `control_plane.postgres.catalog`; the tests hold it and its in-memory fake to one
contract suite.
"""

# No `from __future__ import annotations`: making a record parses each such text.

from datetime import datetime
from typing import Any, NamedTuple, Protocol

from control_plane.json_text import Json


class NewCatalogEntry(NamedTuple):
    """A playbook about to be registered; ``payload`` is the parsed document."""

    path: str
    kind: str
    content: str
    payload: Json
    meta: Json


class CatalogVersion(NamedTuple):
    """What a registration was given."""

    catalog_id: int
    version: int


class StoredEntry(NamedTuple):
    """A row of the catalog as a whole; ``created_at`` is UTC, the JSON columns hold any value."""

    catalog_id: int
    path: str
    version: int
    kind: str
    content: str | None
    layout: Any
    payload: Any
    meta: Any
    created_at: datetime | None


class EntryPage(NamedTuple):
    """Entries, newest first; ``has_more`` tells that the catalog has more of them."""

    entries: tuple[StoredEntry, ...]
    has_more: bool


class CatalogStore(Protocol):
    """Where playbooks are registered."""

    def register(self, entry: NewCatalogEntry) -> CatalogVersion:
        """Add an entry under the next version of its path; safe under concurrency.

        :raises CatalogVersionsExhausted: version 32,767 is taken
        :raises StoreUnavailable: the database cannot answer
        """
        ...

    def page(self, kind: str | None, limit: int, most_bytes: int, below: int | None) -> EntryPage:
        """Return entries by descending id, at least one where there is one.

        :param kind: only entries of this kind
        :param most_bytes: how large they may be together; where an entry is larger by itself, it
            comes without its ``payload`` and its ``layout``
        :param below: only entries with a smaller id
        :raises StoreUnavailable: the database cannot answer
        """
        ...

    def find(
        self, catalog_id: int | None, path: str | None, version: int | None
    ) -> StoredEntry | None:
        """Return exactly this entry, else the version of the path, the highest where it is None.

        :raises StoreUnavailable: the database cannot answer
        """
        ...
