"""What the functions tell about themselves: JSON log lines and metrics (EMF, no call made)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from control_plane import invocation
from control_plane.redaction import redacted_line

if TYPE_CHECKING:  # the relay alone needs it, and no other function pays for it
    from control_plane.relay.outbox import OutboxState

# Named here and not by the environment: metrics without a namespace raise when they are sent, and
# by then the start is recorded.
SERVICE = "noetl-control-plane"
NAMESPACE = "NoETL"

logger = Logger(service=SERVICE, utc=True, json_serializer=redacted_line)
metrics = Metrics(service=SERVICE, namespace=NAMESPACE)


class PowertoolsObserver:
    """Tells log and metrics what became of each request."""

    def started(self, execution_id: int, path: str) -> None:
        """Log and count a start."""
        logger.info("execution started", execution_id=str(execution_id), path=path)
        metrics.add_metric("Starts", MetricUnit.Count, 1)

    def replayed(self, execution_id: int) -> None:
        """Log and count the first answer given again."""
        logger.info("execution replayed", execution_id=str(execution_id))
        metrics.add_metric("Replays", MetricUnit.Count, 1)

    def notification_deferred(self, execution_id: int, reason: str) -> None:
        """Warn of and count a start that the relay will notify."""
        logger.warning("notification deferred", execution_id=str(execution_id), reason=reason)
        metrics.add_metric("NotificationDeferred", MetricUnit.Count, 1)

    def relayed(self, notified: int, renotified: int) -> None:
        """Log and count messages that arrived by way of the relay."""
        logger.info("notifications relayed", notified=notified, renotified=renotified)
        metrics.add_metric("Relayed", MetricUnit.Count, notified)
        metrics.add_metric("Renotified", MetricUnit.Count, renotified)

    def not_relayed(self, reason: str, number: int) -> None:
        """Warn of messages that have not arrived."""
        logger.warning("notifications not relayed", reason=reason, notifications=number)

    def given_up(self, number: int) -> None:
        """Log that notifications were parked: somebody has to look at them."""
        logger.error("notifications parked", notifications=number)

    def outbox(self, state: OutboxState) -> None:
        """Measure what waits."""
        metrics.add_metric("OutboxDepth", MetricUnit.Count, state.depth)
        metrics.add_metric("OutboxAgeSeconds", MetricUnit.Seconds, state.age)
        metrics.add_metric("Parked", MetricUnit.Count, state.parked)


Handler = Callable[[Any, Any], Any]


def observed(handler: Handler) -> Handler:
    """Wrap a Lambda handler: every wait ends with the invocation, metrics go out at its end.

    And every log line names its request.
    """
    logged = logger.inject_lambda_context(handler, clear_state=True)

    @functools.wraps(handler)
    def observing(event: Any, context: Any) -> Any:
        try:
            with invocation.lasting(context.get_remaining_time_in_millis() / 1000):
                return logged(event, context)
        finally:
            # Powertools' own decorator warns of every invocation that counted nothing.
            if metrics.metric_set:
                metrics.flush_metrics()

    return observing
