"""Executions as the event log tells of them: list, show, follow, cancel."""

from typing import TYPE_CHECKING, Any

from control_plane.api import ControlPlaneApi, Response, ok
from control_plane.cancellation import CancelAnswer, Canceller, CancelRequest
from control_plane.monitor.answers import DetailAnswer, EventsAnswer, ExecutionAnswer, StatusAnswer
from control_plane.monitor.monitor import Monitor
from control_plane.monitor.queries import EventQuery, ExecutionQuery
from control_plane.observability import observed
from control_plane.postgres.connection import Database
from control_plane.postgres.execution_log import PostgresExecutionLog
from control_plane.query import FromQuery
from control_plane.requests import Id
from control_plane.settings.executions import ExecutionsSettings
from control_plane.snapshot import restorable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = ExecutionsSettings.from_environment()
log = PostgresExecutionLog(restorable(Database(settings)))
monitor, canceller = Monitor(log), Canceller(log)
app = ControlPlaneApi(settings.limits)


@app.get_json("/api/executions", ExecutionQuery)
def list_executions(query: FromQuery[ExecutionQuery]) -> Response[list[ExecutionAnswer]]:
    """List executions, newest first."""
    return app.page(*monitor.list(query))


@app.get_json("/api/executions/<execution_id>")
def show(execution_id: Id) -> Response[DetailAnswer]:
    """Show an execution with its first events."""
    return ok(monitor.show(execution_id))


@app.get_json("/api/executions/<execution_id>/events", EventQuery)
def events(query: FromQuery[EventQuery], execution_id: Id) -> Response[EventsAnswer]:
    """List the events of an execution by ascending id."""
    return ok(monitor.events(execution_id, query))


@app.get_json("/api/executions/<execution_id>/status")
def status(execution_id: Id) -> Response[StatusAnswer]:
    """Tell how far an execution is."""
    return ok(monitor.status(execution_id))


@app.post_json("/api/executions/<execution_id>/cancel", CancelRequest, may_be_empty=True)
def cancel(request: CancelRequest, execution_id: Id) -> Response[CancelAnswer]:
    """Cancel an execution that runs."""
    return ok(canceller.cancel(execution_id, request))


@observed
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Serve an HTTP API event."""
    return app.resolve(event, context)
