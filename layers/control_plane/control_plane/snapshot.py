"""Sandboxes that begin as clones of one snapshot (SnapStart): they share nothing that is unique.

What is made at import is in the snapshot, and so in every clone of it. Ids come from the database
and keys from the caller; connections are what is left.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, TypeVar


class Connected(Protocol):
    """What holds a connection, and opens another one when it is next needed."""

    def close(self) -> None:
        """Close the connection."""
        ...

    def forget(self) -> None:
        """Leave the connection behind without touching it."""
        ...


Thing = TypeVar("Thing", bound=Connected)


def restorable(thing: Thing) -> Thing:
    """Have a connection closed before a snapshot is taken and forgotten in every clone of it.

    :returns: what was given
    """
    try:
        hooks = import_module("snapshot_restore_py")  # Lambda's runtime brings it
    except ImportError:
        return thing
    hooks.register_before_snapshot(thing.close)
    hooks.register_after_restore(thing.forget)
    return thing
