"""The relay: each minute, and when somebody on call has an order for it."""

from typing import TYPE_CHECKING, Any

from control_plane.jetstream import JetStreamNotifier
from control_plane.observability import PowertoolsObserver, observed
from control_plane.postgres.connection import Database
from control_plane.postgres.outbox import PostgresOutbox
from control_plane.relay.orders import follow
from control_plane.relay.relay import Relay
from control_plane.settings.relay import RelaySettings
from control_plane.snapshot import restorable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# For a whole batch, where a start has seconds for its one message.
NOTIFIER_BUDGET_SECONDS = 8.0

settings = RelaySettings.from_environment()
relay = Relay(
    outbox=PostgresOutbox(
        restorable(Database(settings)),
        settings.renotify_after,
        settings.renotify_limit,
        settings.park_after,
    ),
    notifier=restorable(JetStreamNotifier(settings, NOTIFIER_BUDGET_SECONDS)),
    observer=PowertoolsObserver(),
    server_url=settings.public_server_url,
)


@observed
def lambda_handler(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """Notify the workers of what is due, or follow an order: see `control_plane.relay.orders`."""
    return follow(relay, event)
