"""The catalog: register playbooks, and look at what is registered."""

from typing import TYPE_CHECKING, Any

from control_plane.api import ControlPlaneApi, Response, ok
from control_plane.catalog.batch import BatchAnswer, BatchRegistrar, BatchRequest
from control_plane.catalog.entries import (
    CatalogReader,
    EntriesAnswer,
    EntryAnswer,
    ListRequest,
    ResourceRequest,
)
from control_plane.catalog.registration import RegisterAnswer, RegisterRequest, Registrar
from control_plane.observability import observed
from control_plane.postgres.catalog import PostgresCatalogStore
from control_plane.postgres.connection import Database
from control_plane.settings.catalog import CatalogSettings
from control_plane.snapshot import restorable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = CatalogSettings.from_environment()
store = PostgresCatalogStore(restorable(Database(settings)))
registrar = Registrar(store, settings.limits)
batch_registrar = BatchRegistrar(registrar)
reader = CatalogReader(store)
app = ControlPlaneApi(settings.limits)


@app.post_json("/api/catalog/register", RegisterRequest)
def register(request: RegisterRequest) -> Response[RegisterAnswer]:
    """Register a playbook under the next version of its path."""
    return ok(registrar.register(request, dry_run=app.flag("dry_run")).model_dump())


@app.post_json("/api/catalog/register/batch", BatchRequest)
def register_batch(request: BatchRequest) -> Response[BatchAnswer]:
    """Register up to 1,000 playbooks, each for itself."""
    return ok(batch_registrar.register(request, for_cli=app.is_called_by_cli()))


@app.post_json("/api/catalog/list", ListRequest, may_be_empty=True)
def list_entries(request: ListRequest) -> Response[EntriesAnswer]:
    """List the entries of the catalog, newest first."""
    return ok(reader.list(request))


@app.post_json("/api/catalog/resource", ResourceRequest)
def find_entry(request: ResourceRequest) -> Response[EntryAnswer]:
    """Return one entry of the catalog."""
    return ok(reader.find(request))


@observed
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Serve an HTTP API event."""
    return app.resolve(event, context)
