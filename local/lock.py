"""A lock on a folder that the kernel releases with its holder, however that one ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FolderLock:
    """One process at a time; ``folder/lock`` holds a line about the holder for the others."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self._descriptor: int | None = None

    def acquire(self, note: str) -> str | None:
        """Take the lock; return None, or the note of the process that has it."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 1000).decode(errors="replace").strip()
            os.close(descriptor)
            return holder or "a process that has just begun"
        self._descriptor = descriptor
        self.note(note)
        return None

    @property
    def is_held(self) -> bool:
        """Whether it is held by us."""
        return self._descriptor is not None

    def note(self, text: str) -> None:
        """Tell the others something else about us; without effect when the lock is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)

    def release(self) -> None:
        """Give the lock up; without effect when it is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
