"""Starts of executions, over HTTP or invoked directly, and ``GET /health``."""

from typing import TYPE_CHECKING, Any

from control_plane import assembly
from control_plane.answers import ExecuteBatchAnswer
from control_plane.api import ControlPlaneApi, Response, ok, started
from control_plane.direct import is_dry_run, is_http, run_dry, start_directly
from control_plane.executions import StartAnswer
from control_plane.health import Health, check
from control_plane.observability import observed
from control_plane.requests import ExecuteBatchRequest, ExecuteRequest, Id, RerunRequest
from control_plane.settings.execute import ExecuteSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = ExecuteSettings.from_environment()
database, notifier = assembly.connections(settings)
starter = assembly.execution_starter(settings, database, notifier)
app = ControlPlaneApi(settings.limits)


@app.post_json("/api/execute", ExecuteRequest)
def execute(request: ExecuteRequest) -> Response[StartAnswer]:
    """Start an execution of a playbook, exactly once per key."""
    return started(starter.start(request, app.caller(), app.idempotency_key()))


@app.post_json("/api/execute/batch", ExecuteBatchRequest)
def execute_batch(request: ExecuteBatchRequest) -> Response[ExecuteBatchAnswer]:
    """Start up to 1,000 executions, each for itself."""
    batches = assembly.batch_executor(starter)
    return ok(batches.start(request, app.caller(), app.idempotency_key(), app.incident))


@app.post_json("/api/executions/<execution_id>/rerun", RerunRequest, may_be_empty=True)
def rerun(request: RerunRequest, execution_id: Id) -> Response[StartAnswer]:
    """Start an execution's playbook once more, with the same input."""
    rerunner = assembly.execution_rerunner(database, starter)
    return started(rerunner.rerun(execution_id, request, app.caller(), app.idempotency_key()))


@app.get("/health", summary="Tell whether starts can be recorded and workers notified")
@app.get("/api/health", summary="The same under the API's prefix")
def health() -> Response[Health]:
    """Tell the state of database, schema and NATS, without addresses."""
    return ok(check(database, notifier))


@observed
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Serve an HTTP API event, or a bare request."""
    if is_http(event):
        return app.resolve(event, context)
    if is_dry_run(event):
        runner = assembly.dry_runner(settings, database, notifier, starter)
        return run_dry(runner, settings.limits, event, context.aws_request_id)
    return start_directly(starter, settings.limits, event, context.aws_request_id)
