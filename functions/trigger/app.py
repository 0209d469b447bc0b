"""Starts of executions by events: from the queue, or sent to the function itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from control_plane.assembly import connections, execution_starter
from control_plane.observability import observed
from control_plane.settings.trigger import TriggerSettings
from control_plane.triggers.dead_letter_queue import SqsDeadLetterQueue
from control_plane.triggers.handler import TriggerHandler

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = TriggerSettings.from_environment()
handler = TriggerHandler(
    starter=execution_starter(settings, *connections(settings)),
    dead_letters=SqsDeadLetterQueue(settings.dead_letter_queue_url),
    default_path=settings.default_path,
)


@observed
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Serve a batch of SQS, or an event of EventBridge, Scheduler, SNS or S3."""
    return handler.serve(event, context.aws_request_id)
