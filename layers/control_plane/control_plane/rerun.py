"""The use case: start an execution's playbook once more, with the same input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from control_plane.errors import CatalogEntryNotFound, ExecutionNotFound
from control_plane.executions import Execution, ExecutionStarter
from control_plane.requests import Caller, ExecuteRequest, RerunRequest, read_model

if TYPE_CHECKING:  # no start needs it, so no cold start pays for it
    from control_plane.monitor.execution_log import ExecutionLog, ExecutionRecord


@dataclass(frozen=True, slots=True)
class Rerunner:
    """Starts again what was started before."""

    log: ExecutionLog
    starter: ExecutionStarter

    def rerun(
        self, execution_id: int, request: RerunRequest, caller: Caller, key: str | None = None
    ) -> Execution:
        """Start the same catalog path at its latest version, in the same pool.

        :raises ExecutionNotFound: the log knows nothing of the execution
        :raises ControlPlaneError: as `ExecutionStarter.start`
        """
        record = self.log.find(execution_id)
        if record is None:
            raise ExecutionNotFound(execution_id)
        return self.starter.start(_again(record, request), caller, key)


def _again(record: ExecutionRecord, request: RerunRequest) -> ExecuteRequest:
    path = record.summary.path
    if path is None:
        raise CatalogEntryNotFound(record.summary.catalog_id)
    first = record.workload if isinstance(record.workload, dict) else {}
    again = {
        "path": path,
        "payload": {**first, **request.workload},
        "idempotency_key": request.idempotency_key,
        "execution_pool": record.execution_pool,
    }
    return read_model(ExecuteRequest, again)
