"""The use case: a start that goes all the way and leaves nothing behind.

It is the start itself, on a transaction that is rolled back and with a notifier that says nothing:
what it passes, a start passes. Only the message is not sent; whether it could be is asked of the
notifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from typing_extensions import TypedDict

from control_plane.catalog.ports import CatalogStore
from control_plane.catalog.registration import RegisterRequest, Registrar
from control_plane.errors import NotificationFailed
from control_plane.executions import ExecutionStarter
from control_plane.health import NotifierProbe
from control_plane.playbook.cache import PlaybookCache
from control_plane.ports import ExecutionStore, Notification, Phases, Work, nothing
from control_plane.release import CANARY_PATH
from control_plane.requests import Caller, ExecuteRequest

_CANARY = Path(__file__).with_name("canary.yaml")


class DryRunAnswer(TypedDict):
    """What a dry run is told: the start would stand; ``nats`` is the word of `NotifierProbe`."""

    status: str
    commands_generated: int
    nats: str


@dataclass(frozen=True, slots=True)
class Stores:
    """Both stores in one transaction."""

    executions: ExecutionStore
    catalog: CatalogStore


@dataclass(frozen=True, slots=True)
class DryRunner:
    """Does what the starter would do, and undoes it.

    :ivar rolled_back: gives stores whose every change is undone when the block ends
    """

    starter: ExecutionStarter
    rolled_back: Callable[[], AbstractContextManager[Stores]]
    notifier: NotifierProbe

    def run(self, request: ExecuteRequest, caller: Caller) -> DryRunAnswer:
        """Start what is asked for, and undo it.

        :raises RequestError: as the start would
        :raises StoreUnavailable: as the start would
        """
        # First, for no transaction is to wait for it.
        nats = self.notifier.probe()
        limits = self.starter.limits
        with self.rolled_back() as stores:
            if request.path == CANARY_PATH and request.catalog_id is None:
                content = _CANARY.read_text(encoding="utf-8")
                Registrar(stores.catalog, limits).register(RegisterRequest(content=content))
            starter = replace(
                self.starter,
                store=stores.executions,
                notifier=_Mute(),
                observer=_Unseeing(),
                # The entry may be gone in a moment.
                playbooks=PlaybookCache(limits, 0),
            )
            execution = starter.start(request, caller)
        return DryRunAnswer(
            status="dry run",
            commands_generated=execution.answer["commands_generated"],
            nats=nats,
        )


class _Mute:
    """A `CommandNotifier` that tells nobody."""

    def prepare(self) -> None: ...

    def notify(self, notification: Notification) -> None: ...

    def notify_many(self, notifications: Sequence[Notification]) -> list[NotificationFailed | None]:
        return [None] * len(notifications)


class _Unseeing:
    """A `StartObserver` that counts nothing."""

    def announcement(self, execution_id: int, path: str) -> Work:  # noqa: ARG002
        return nothing

    def replayed(self, execution_id: int) -> None: ...

    def notification_deferred(self, execution_id: int, reason: str) -> None: ...

    def took(self, phases: Phases) -> None: ...
