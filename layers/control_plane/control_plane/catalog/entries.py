"""The use case: look at what is in the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, field_validator
from typing_extensions import TypedDict

from control_plane.answers import ANSWER_BYTES, answer_size, fitting, written_time
from control_plane.catalog.ports import CatalogStore, StoredEntry
from control_plane.cursors import read_cursor, write_cursor
from control_plane.errors import CatalogEntryNotFound, InvalidRequest, PlaybookNotFound
from control_plane.requests import Id

MOST_ENTRIES = 100
"""Entries of one page; who asks for more gets these."""
LAST_VERSION = 32_767


class ListRequest(BaseModel):
    """The body of ``POST /api/catalog/list``."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    resource_type: StrictStr | None = Field(None, description="Only entries of this kind.")
    limit: StrictInt | None = Field(None, ge=1, description="At most 100, which is the default.")
    cursor: StrictStr | None = Field(None, description="`next_cursor` of the page before.")


class ResourceRequest(BaseModel):
    """The body of ``POST /api/catalog/resource``."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    catalog_id: Id | None = Field(None, description="Exact catalog entry; wins over `path`.")
    path: StrictStr | None = Field(None, description="Catalog path.")
    version: StrictInt | StrictStr | None = Field(
        None, description="Of the path: a number, or `latest`, which is the default."
    )

    @field_validator("version")
    @classmethod
    def _is_version(cls, value: int | str | None) -> int | None:
        if value is None or value == "latest":
            return None
        digits = str(value)
        if digits.isascii() and digits.isdigit() and len(digits) <= 5:
            return int(digits)
        raise ValueError("must be 'latest' or a version number")


class EntryAnswer(TypedDict):
    """An entry; ``payload`` is the parsed content, null where both would be too large."""

    catalog_id: str
    path: str
    kind: str
    version: int
    content: str | None
    layout: Any
    payload: Any
    meta: Any
    created_at: str | None


class EntriesAnswer(TypedDict):
    """A page of entries; ``next_cursor`` leads to the next one, null at the end."""

    entries: list[EntryAnswer]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CatalogReader:
    """Tells what the catalog holds."""

    store: CatalogStore

    def list(self, request: ListRequest) -> EntriesAnswer:
        """Return a page of entries, newest first, as many as fit into an answer.

        :raises InvalidRequest: the cursor is none of this list
        """
        kind = request.resource_type.lower() if request.resource_type else None
        key = read_cursor(request.cursor, 1, "catalog", kind)
        limit = min(request.limit or MOST_ENTRIES, MOST_ENTRIES)
        page = self.store.page(kind, limit, ANSWER_BYTES, below=key[0] if key else None)
        written = [_entry(entry) for entry in page.entries]
        entries = fitting(written)
        cursor = None
        if page.has_more or len(entries) < len(written):
            cursor = write_cursor((int(entries[-1]["catalog_id"]),), "catalog", kind)
        return {"entries": entries, "next_cursor": cursor}

    def find(self, request: ResourceRequest) -> EntryAnswer:
        """Return one entry.

        :raises InvalidRequest: neither id nor path
        :raises NotFound: says which entry there is not
        """
        if request.catalog_id is None and not request.path:
            raise InvalidRequest("Either 'path' or 'catalog_id' must be provided")
        version = request.version if isinstance(request.version, int) else None
        entry = self.store.find(request.catalog_id, request.path, version)
        if entry is not None:
            return _entry(entry)
        if request.catalog_id is not None:
            raise CatalogEntryNotFound(request.catalog_id)
        suffix = f" version {version}" if version is not None else ""
        raise PlaybookNotFound(f"{request.path}{suffix}")


def _entry(entry: StoredEntry) -> EntryAnswer:
    answer: EntryAnswer = {
        "catalog_id": str(entry.catalog_id),
        "path": entry.path,
        "kind": entry.kind,
        "version": entry.version,
        "content": entry.content,
        "layout": entry.layout,
        "payload": entry.payload,
        "meta": entry.meta,
        "created_at": written_time(entry.created_at) if entry.created_at else None,
    }
    if answer_size(answer) > ANSWER_BYTES:
        answer["payload"] = None
    return answer
