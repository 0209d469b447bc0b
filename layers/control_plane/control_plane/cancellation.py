"""The use case: cancel an execution, and its children where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr
from typing_extensions import TypedDict

from control_plane.errors import ExecutionEnded, ExecutionNotFound
from control_plane.monitor.execution_log import Cancelled, ExecutionLog
from control_plane.monitor.execution_status import Status


class CancelRequest(BaseModel):
    """The body of ``POST /api/executions/{execution_id}/cancel``."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    reason: StrictStr | None = Field(None, max_length=1000, description="Kept in the events.")
    cascade: StrictBool | None = Field(None, description="Cancel children too, at any depth.")


class CancelAnswer(TypedDict):
    """What a cancel is told; an execution that was cancelled before is not in the list."""

    execution_id: str
    status: Literal["cancelled"]
    message: str
    cancelled_executions: list[str]


@dataclass(frozen=True, slots=True)
class Canceller:
    """Cancels what runs."""

    log: ExecutionLog

    def cancel(self, execution_id: int, request: CancelRequest) -> CancelAnswer:
        """Cancel an execution; where it is cancelled already, nothing happens.

        :raises ExecutionNotFound: the log knows nothing of it
        :raises ExecutionEnded: it has completed or failed
        """
        done = self.log.cancel(execution_id, request.reason, cascade=bool(request.cascade))
        if done is None:
            raise ExecutionNotFound(execution_id)
        if done.before in {Status.COMPLETED, Status.FAILED}:
            raise ExecutionEnded(execution_id, done.before)
        return {
            "execution_id": str(execution_id),
            "status": "cancelled",
            "message": _message(execution_id, done),
            "cancelled_executions": [str(number) for number in done.executions],
        }


def _message(execution_id: int, done: Cancelled) -> str:
    is_new = execution_id in done.executions
    message = f"Execution {execution_id} {'cancelled' if is_new else 'was cancelled before'}"
    children = len(done.executions) - is_new
    return f"{message}; child executions cancelled: {children}" if children else message
