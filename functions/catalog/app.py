"""``POST /api/catalog/register``."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from control_plane.api import ControlPlaneApi, ok
from control_plane.catalog import RegisterAnswer, RegisterRequest, Registrar
from control_plane.observability import observed
from control_plane.postgres.catalog import PostgresCatalogStore
from control_plane.postgres.connection import Database
from control_plane.settings import CatalogSettings

settings = CatalogSettings.from_environment()
registrar = Registrar(PostgresCatalogStore(Database(settings)), settings.limits)
app = ControlPlaneApi(settings.limits)


@app.post_json("/api/catalog/register", RegisterRequest)
def register(request: RegisterRequest) -> Response[RegisterAnswer]:
    """Register a playbook under the next version of its path."""
    dry_run = app.current_event.query_string_parameters.get("dry_run") == "true"
    return ok(registrar.register(request, dry_run=dry_run).model_dump())


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serve an HTTP API event."""
    return app.resolve(event, context)
