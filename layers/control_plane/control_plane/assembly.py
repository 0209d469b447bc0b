"""Puts the parts together, as the functions need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from control_plane.executions import ExecutionStarter
from control_plane.jetstream import JetStreamNotifier
from control_plane.observability import PowertoolsObserver
from control_plane.playbook.cache import PlaybookCache
from control_plane.ports import CommandNotifier
from control_plane.postgres.connection import Database
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.settings.execute import ExecuteSettings
from control_plane.snapshot import restorable

if TYPE_CHECKING:
    from control_plane.execute_batch import BatchExecutor
    from control_plane.release.dry_run import DryRunner, Stores
    from control_plane.rerun import Rerunner


def connections(settings: ExecuteSettings) -> tuple[Database, JetStreamNotifier]:
    """Return the connections of this sandbox, which open when they are needed."""
    return restorable(Database(settings)), restorable(JetStreamNotifier(settings))


def execution_starter(
    settings: ExecuteSettings, database: Database, notifier: CommandNotifier
) -> ExecutionStarter:
    """Return what starts executions in this sandbox."""
    return ExecutionStarter(
        store=PostgresExecutionStore(database, settings.idempotency_days),
        notifier=notifier,
        observer=PowertoolsObserver(),
        playbooks=PlaybookCache(settings.limits, settings.playbook_cache_bytes),
        limits=settings.limits,
        server_url=settings.public_server_url,
        allowed_pools=settings.allowed_execution_pools,
    )


# What follows is loaded when it is asked for: a cold start that serves a start does without it.


def batch_executor(starter: ExecutionStarter) -> BatchExecutor:
    """Return what starts the requests of one body."""
    from control_plane.execute_batch import BatchExecutor  # noqa: PLC0415

    return BatchExecutor(starter)


def execution_rerunner(database: Database, starter: ExecutionStarter) -> Rerunner:
    """Return what starts again what this database tells of."""
    from control_plane.postgres.execution_log import PostgresExecutionLog  # noqa: PLC0415
    from control_plane.rerun import Rerunner  # noqa: PLC0415

    return Rerunner(PostgresExecutionLog(database), starter)


def dry_runner(
    settings: ExecuteSettings,
    database: Database,
    notifier: JetStreamNotifier,
    starter: ExecutionStarter,
) -> DryRunner:
    """Return what starts and undoes it."""
    from control_plane.postgres.catalog import PostgresCatalogStore  # noqa: PLC0415
    from control_plane.release.dry_run import DryRunner, Stores  # noqa: PLC0415

    @contextmanager
    def rolled_back() -> Iterator[Stores]:
        with database.rolled_back() as statements:
            yield Stores(
                PostgresExecutionStore(statements, settings.idempotency_days),
                PostgresCatalogStore(statements),
            )

    return DryRunner(starter, rolled_back, notifier)
