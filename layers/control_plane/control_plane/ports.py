"""What a start needs from the outside: a store, a notifier, an observer, and their words.

The adapters are :mod:`control_plane.postgres` and :mod:`control_plane.jetstream`; the tests
hold them and their in-memory fakes to one contract suite.
"""

# No `from __future__ import annotations`: making a record parses each such text.

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from control_plane.errors import NotificationFailed
from control_plane.json_text import Json

Work = Callable[[], object]
"""What somebody does while a server is waited for; it must not fail."""


def nothing() -> None:
    """Do nothing meanwhile."""


class CatalogReference(NamedTuple):
    """Which playbook is meant: an exact entry, else the highest version of a path."""

    catalog_id: int | None
    path: str | None


class CatalogEntry(NamedTuple):
    """A row of the catalog.

    ``document`` is the playbook: its YAML text, or a JSON value where the row has no text, or
    None where the row has neither or the caller said that it holds the entry already.
    """

    catalog_id: int
    path: str
    version: int
    document: str | dict[str, Any] | None


class Lookup(NamedTuple):
    """What one resolution asks for; the arguments of `ExecutionStore.resolve`."""

    key: str
    reference: CatalogReference
    held: int | None


class StartIds(NamedTuple):
    """The four snowflake ids of one start, in ascending order."""

    execution_id: int
    started_event_id: int
    issued_event_id: int
    command_id: int


class KnownStart(NamedTuple):
    """What an idempotency key stands for: its request's fingerprint and the first answer."""

    fingerprint: bytes
    answer: dict[str, Any]


class Resolution(NamedTuple):
    """What the first round trip tells.

    Exactly one of ``known`` and ``ids`` is set. ``entry`` is None where the key is known or
    where the catalog has no such entry.
    """

    known: KnownStart | None = None
    entry: CatalogEntry | None = None
    ids: StartIds | None = None


class Notification(NamedTuple):
    """A message to the workers, exactly as it is published, now or later by the relay."""

    subject: str
    message_id: str
    body: str
    traceparent: str | None = None


class Start(NamedTuple):
    """Everything that one start records (contract section 5).

    The command's id in events and notifications is ``notification.message_id``. ``workload`` is the
    merged map: the playbook's workload overridden by the payload. The rows'
    ``render_context`` is ``workload`` and beside its keys the key ``workload`` that holds it.
    """

    key: str
    fingerprint: bytes
    ids: StartIds
    catalog_id: int
    path: str
    parent_execution_id: int | None
    workload: Json
    step: str
    tool_kind: str
    tool_config: Json
    args: Json
    trace: Json | None
    execution_pool: str | None
    answer: Json
    notification: Notification


class ExecutionStore(Protocol):
    """Where starts are recorded. Each call is one round trip."""

    def resolve(
        self,
        key: str,
        reference: CatalogReference,
        held: int | None,
        meanwhile: Work = nothing,
    ) -> Resolution:
        """Look up the key, the catalog entry and four fresh ids.

        :param key: the stored form of the idempotency key
        :param held: a catalog id whose document the caller holds; it is not sent again
        :param meanwhile: is done while the store works: once, and again where it is asked again
        :raises StoreUnavailable: the database cannot answer
        """
        ...

    def resolve_many(self, lookups: Sequence[Lookup]) -> list[Resolution]:
        """Answer the first of many lookups, and at least one; in their order.

        All of them, unless their documents are large together. The document of an entry comes
        with the first resolution that has the entry, and with no later one.

        :raises StoreUnavailable: the database cannot answer
        """
        ...

    def record(self, start: Start, meanwhile: Work = nothing) -> KnownStart | None:
        """Write the start as a whole, or nothing.

        :param meanwhile: is done while the store works: once, and again where it is asked again
        :returns: None when it was recorded by this call, else what its key stood for already:
            the winner of a race, never waited for longer than its commit takes
        :raises StoreUnavailable: the database cannot answer, and nothing was written, or it is
            not known whether it was: the same key tells
        """
        ...

    def record_many(self, starts: Sequence[Start]) -> list[KnownStart | None]:
        """Write each start as `record` does, all in one commit; nothing of any when it raises.

        Of two under one key the first is written.

        :raises StoreUnavailable: as `record`
        """
        ...

    def acknowledge(self, start: Start) -> None:
        """Remember that the start's notification arrived.

        Costs no round trip: its outbox row is deleted by the next `record`, or by the relay.
        """
        ...


class CommandNotifier(Protocol):
    """How workers learn that a command waits."""

    def prepare(self) -> None:
        """Begin to connect, where that is to be done; returns at once and never fails.

        What follows waits for it. Worth calling while something else is about to be waited for.
        """
        ...

    def notify(self, notification: Notification) -> None:
        """Publish and await the acknowledgement, within the notifier's time budget.

        :raises NotificationFailed: with the reason, which names no address and no secret
        """
        ...

    def notify_many(self, notifications: Sequence[Notification]) -> list[NotificationFailed | None]:
        """Publish all of them at once, within the budget of one; tell which failed."""
        ...


class Phases(NamedTuple):
    """How long each part of a start took, in seconds.

    ``build`` counts what was done of it while the store was asked, ``resolve`` only what that left
    to wait for. ``parse`` is next to nothing where the sandbox holds the playbook already.
    """

    resolve: float
    parse: float
    build: float
    record: float
    notify: float


class StartObserver(Protocol):
    """Who is told what became of a request; must not fail."""

    def announcement(self, execution_id: int, path: str) -> Work:
        """Return what tells, when it is done, that an execution was recorded."""
        ...

    def replayed(self, execution_id: int) -> None:
        """Tell that a known key was answered with its first answer."""
        ...

    def notification_deferred(self, execution_id: int, reason: str) -> None:
        """Tell that a start stands whose notification was left to the relay."""
        ...

    def took(self, phases: Phases) -> None:
        """Tell how long a start took that was alone; those of a batch share their round trips."""
        ...
