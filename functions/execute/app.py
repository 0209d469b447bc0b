"""``POST /api/execute``, ``GET /health``, and the same start invoked directly."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from control_plane.api import ControlPlaneApi, ok, started
from control_plane.direct import is_http, start_directly
from control_plane.executions import ExecutionStarter, StartAnswer
from control_plane.health import Health, check
from control_plane.jetstream import JetStreamNotifier
from control_plane.observability import PowertoolsObserver, observed
from control_plane.playbook.cache import PlaybookCache
from control_plane.postgres.connection import Database
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.requests import ExecuteRequest
from control_plane.settings import ExecuteSettings

settings = ExecuteSettings.from_environment()
limits = settings.limits
database = Database(settings)
notifier = JetStreamNotifier(settings)
starter = ExecutionStarter(
    store=PostgresExecutionStore(database, settings.idempotency_days),
    notifier=notifier,
    observer=PowertoolsObserver(),
    playbooks=PlaybookCache(limits, settings.playbook_cache_bytes),
    limits=limits,
    server_url=settings.public_server_url,
    allowed_pools=settings.allowed_execution_pools,
)
app = ControlPlaneApi(limits)


@app.post_json("/api/execute", ExecuteRequest)
def execute(request: ExecuteRequest) -> Response[StartAnswer]:
    """Start an execution of a playbook, exactly once per key."""
    return started(starter.start(request, app.caller(), app.idempotency_key()))


@app.get("/health", summary="Tell whether starts can be recorded and workers notified")
@app.get("/api/health", summary="The same under the API's prefix")
def health() -> Response[Health]:
    """Tell the state of database, schema and NATS, without addresses."""
    return ok(check(database, notifier))


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serve an HTTP API event, or a bare request."""
    if is_http(event):
        return app.resolve(event, context)
    return start_directly(starter, limits, event, context.aws_request_id)
