"""Parsed playbooks, kept per catalog entry: a row of the catalog never changes."""

from __future__ import annotations

from collections import OrderedDict

from control_plane.errors import PlaybookContentMissing
from control_plane.limits import Limits
from control_plane.playbook.loader import load
from control_plane.playbook.model import Playbook
from control_plane.ports import CatalogEntry, CatalogReference


class PlaybookCache:
    """Keeps the playbooks used last, up to a number of bytes of their documents.

    Not for several threads: between `held` and `playbook` no other playbook may be asked for.

    :param max_bytes: 0 keeps none
    """

    def __init__(self, limits: Limits, max_bytes: int) -> None:
        self._limits = limits
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[int, tuple[CatalogEntry, Playbook]] = OrderedDict()
        self._newest: dict[str, CatalogEntry] = {}

    def held(self, reference: CatalogReference) -> int | None:
        """Return the id of a kept entry that may be the one meant, so that it need not be sent.

        For a path that is the highest version seen; the store knows whether there is a higher.
        """
        if reference.catalog_id is not None:
            return reference.catalog_id if reference.catalog_id in self._kept else None
        newest = self._newest.get(reference.path or "")
        return newest.catalog_id if newest else None

    def kept(self, catalog_id: int | None) -> Playbook | None:
        """Return an entry's playbook, if it is kept."""
        found = None if catalog_id is None else self._kept.get(catalog_id)
        return found[1] if found else None

    def playbook(self, entry: CatalogEntry) -> Playbook:
        """Return the entry's playbook, parsed and validated once.

        :raises PlaybookContentMissing: the entry has no document and is not kept
        :raises RequestError: the document is no valid playbook; nothing is kept
        """
        if kept := self._kept.get(entry.catalog_id):
            self._kept.move_to_end(entry.catalog_id)
            return kept[1]
        if entry.document is None:
            raise PlaybookContentMissing(entry.catalog_id)
        playbook = load(entry.document, self._limits)
        if playbook.size <= self._max_bytes:
            self._keep(entry, playbook)
        return playbook

    def _keep(self, entry: CatalogEntry, playbook: Playbook) -> None:
        # The document itself is not kept a second time beside its playbook.
        slim = CatalogEntry(entry.catalog_id, entry.path, entry.version, None)
        self._kept[entry.catalog_id] = slim, playbook
        self._bytes += playbook.size
        newest = self._newest.get(entry.path)
        if newest is None or newest.version <= entry.version:
            self._newest[entry.path] = slim
        while self._bytes > self._max_bytes:
            _, (dropped, oldest) = self._kept.popitem(last=False)
            self._bytes -= oldest.size
            if self._newest.get(dropped.path) == dropped:
                del self._newest[dropped.path]
