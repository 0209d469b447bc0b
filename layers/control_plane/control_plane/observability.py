"""What the functions tell about themselves: JSON log lines and metrics (EMF, no call made)."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from control_plane import invocation
from control_plane.errors import ControlPlaneError, InternalError, RequestError
from control_plane.ports import Phases, Work
from control_plane.redaction import redacted_line

if TYPE_CHECKING:  # the relay alone needs it, and no other function pays for it
    from control_plane.relay.outbox import OutboxState

# Named here and not by the environment: metrics without a namespace raise when they are sent, and
# by then the start is recorded.
SERVICE = "noetl-control-plane"
NAMESPACE = "NoETL"

logger = Logger(
    service=SERVICE,
    utc=True,
    use_rfc3339=True,
    json_serializer=redacted_line,
    json_deserializer=str,  # messages are texts; each would be tried as JSON
)
metrics = Metrics(service=SERVICE, namespace=NAMESPACE)


def _metrics_line(units: Mapping[str, str]) -> str:
    """Return EMF as one text, with places for milliseconds and then for each metric's number.

    By way of Powertools five metrics take ten times as long, on a path where all of a start takes
    a millisecond.

    :param units: of each metric by its name
    """
    listed = ",".join(f'{{"Name":"{name}","Unit":"{unit}"}}' for name, unit in units.items())
    values = ",".join(f'"{name}":%.6g' for name in units)
    return (
        f'{{"_aws":{{"Timestamp":%d,"CloudWatchMetrics":[{{"Namespace":"{NAMESPACE}","Dimensions":'
        f'[["service"]],"Metrics":[{listed}]}}]}},"service":"{SERVICE}",{values}}}'
    )


_STARTS = {"Starts": "Count"}
_STARTED_MANY = _metrics_line(_STARTS)
_STARTED_ONE = _metrics_line(
    _STARTS | {f"{phase.title()}Ms": "Milliseconds" for phase in Phases._fields}
)
# Of the invocation at hand.
_starts = 0
_phases: Phases | None = None

# Nobody waits for a sandbox that was made ahead of its requests.
_is_cold = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "provisioned-concurrency"


class PowertoolsObserver:
    """Tells log and metrics what became of each request."""

    def announcement(self, execution_id: int, path: str) -> Work:
        """Return what logs and counts a start; the line is made here."""
        line = _log_line("execution started", execution_id=str(execution_id), path=path)

        def tell() -> None:
            global _starts  # noqa: PLW0603
            _starts += 1
            if line:
                _write(line)

        return tell

    def replayed(self, execution_id: int) -> None:
        """Log and count the first answer given again."""
        logger.info("execution replayed", execution_id=str(execution_id))
        metrics.add_metric("Replays", MetricUnit.Count, 1)

    def notification_deferred(self, execution_id: int, reason: str) -> None:
        """Warn of and count a start that the relay will notify."""
        logger.warning("notification deferred", execution_id=str(execution_id), reason=reason)
        metrics.add_metric("NotificationDeferred", MetricUnit.Count, 1)

    def took(self, phases: Phases) -> None:
        """Measure the parts of the invocation's one start."""
        global _phases  # noqa: PLW0603
        _phases = phases

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


def count_failure(error: Exception) -> None:
    """Count a request, or a part of one, that was refused or that failed, and its class.

    The classes are those of `control_plane.errors`, so there is an end to their number.
    """
    kind = "Refused" if isinstance(error, RequestError) else "Failed"
    metrics.add_metric(kind, MetricUnit.Count, 1)
    metrics.add_metric(f"Errors.{error_name(error)}", MetricUnit.Count, 1)


def error_name(error: Exception) -> str:
    """Return the nearest class of `control_plane.errors`; a defect is an `InternalError`."""
    for ancestor in type(error).__mro__:
        if ancestor.__module__ == ControlPlaneError.__module__:
            return ancestor.__name__
    return InternalError.__name__


Handler = Callable[[Any, Any], Any]


def observed(handler: Handler) -> Handler:
    """Wrap a Lambda handler: every wait ends with the invocation, metrics go out at its end.

    And every log line names its request: Lambda's id, whether the start was cold, and as
    ``correlation_id`` the id that API Gateway's log has, or else Lambda's again.
    """

    @functools.wraps(handler)
    def observing(event: Any, context: Any) -> Any:
        _name_invocation(event, context)
        try:
            with invocation.lasting(context.get_remaining_time_in_millis() / 1000):
                return handler(event, context)
        finally:
            _tell_starts()
            # Powertools' own decorator warns of every invocation that counted nothing.
            if metrics.metric_set:
                metrics.flush_metrics()

    if not gc.isenabled():  # since this package was imported
        gc.freeze()  # what init made stays: the first request need not wait for a look at it
        gc.enable()
    return observing


def _log_line(message: str, **fields: str) -> str | None:
    """Make the line that ``logger.info`` would, in a fraction of the time: each start has one.

    :returns: None where the log's level leaves it out
    """
    if logger.log_level > logging.INFO:
        return None
    keys = logger.get_current_keys()
    line = {name: value for name, value in keys.items() if value is not None} | {
        "level": "INFO",
        "location": __name__,
        "message": message,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **fields,
    }
    if trace := os.environ.get("_X_AMZN_TRACE_ID"):
        line["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
    return redacted_line(line)


def _write(line: str) -> None:
    """Write a line whole and at once; as with a logger, nothing fails because nobody reads it."""
    with contextlib.suppress(OSError, ValueError):  # a closed stream is a ValueError
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _tell_starts() -> None:
    global _starts, _phases
    starts, phases, now = _starts, _phases, time.time() * 1000
    _starts, _phases = 0, None
    if phases is not None:
        _write(_STARTED_ONE % (now, starts, *[seconds * 1000 for seconds in phases]))
    elif starts:
        _write(_STARTED_MANY % (now, starts))


def _name_invocation(event: Any, context: Any) -> None:
    """Give log lines the keys that Powertools' decorator does, which makes all of them anew."""
    global _is_cold  # noqa: PLW0603
    logger.append_keys(
        cold_start=_is_cold,
        function_name=context.function_name,
        function_memory_size=context.memory_limit_in_mb,
        function_arn=context.invoked_function_arn,
        function_request_id=context.aws_request_id,
        correlation_id=_request_id(event) or context.aws_request_id,
    )
    if _is_cold:
        _is_cold = False
        metrics.add_metric("ColdStarts", MetricUnit.Count, 1)


def _request_id(event: Any) -> str | None:
    request = event.get("requestContext") if isinstance(event, dict) else None
    return request.get("requestId") if isinstance(request, dict) else None
