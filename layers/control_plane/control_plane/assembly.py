"""Puts the parts together, as the functions need them."""

from __future__ import annotations

from control_plane.executions import ExecutionStarter
from control_plane.jetstream import JetStreamNotifier
from control_plane.observability import PowertoolsObserver
from control_plane.playbook.cache import PlaybookCache
from control_plane.ports import CommandNotifier
from control_plane.postgres.connection import Database
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.rerun import Rerunner
from control_plane.settings import ExecuteSettings
from control_plane.snapshot import restorable


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


def execution_rerunner(database: Database, starter: ExecutionStarter) -> Rerunner:
    """Return what starts again what this database tells of."""
    # Late: a cold start that serves anything else does without the event log.
    from control_plane.postgres.execution_log import PostgresExecutionLog  # noqa: PLC0415

    return Rerunner(PostgresExecutionLog(database), starter)
