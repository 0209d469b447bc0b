"""The Lambda side of triggers: batches of SQS and events in, partial answers and log lines out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BasePartialBatchProcessor,
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from control_plane.batches import BatchStarter
from control_plane.errors import ControlPlaneError, InternalError
from control_plane.execute_batch import batch_answer
from control_plane.executions import ExecutionStarter
from control_plane.observability import error_name, logger, metrics
from control_plane.triggers.dead_letters import DeadLetterQueue
from control_plane.triggers.dispatcher import Dispatcher, Verdict
from control_plane.triggers.messages import MessageReader


class TriggerHandler:
    """Serves the events of the trigger function."""

    def __init__(
        self, starter: ExecutionStarter, dead_letters: DeadLetterQueue, default_path: str | None
    ) -> None:
        self._reader = MessageReader(starter.limits, default_path)
        self._dispatcher = Dispatcher(BatchStarter(starter), dead_letters)

    def serve(self, event: Any, request_id: str) -> Mapping[str, Any]:
        """Serve a batch of a queue, or an event that was sent to the function itself.

        :param request_id: the invocation's id, the same when Lambda retries an asynchronous one
        """
        match event:
            case {"Records": [*records]} if all(map(_is_of_queue, records)):
                return self._serve_batch(event, records)
        return self._serve_event(event, request_id)

    def _serve_batch(
        self, event: dict[str, Any], records: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Answer which messages are to be delivered again."""
        if not records:
            return BatchProcessor.DEFAULT_RESPONSE
        verdicts = self._dispatcher.dispatch([self._reader.message(one) for one in records])
        for verdict in verdicts:
            _tell(verdict)
        by_id = {verdict.message.id: verdict for verdict in verdicts}

        def check(record: SQSRecord) -> None:
            verdict = by_id[record.message_id]
            if verdict.failure is not None and not verdict.is_done:
                raise verdict.failure

        return process_partial_response(event, check, _processor(records))

    def _serve_event(self, event: Any, request_id: str) -> Mapping[str, Any]:
        """Answer what was started.

        :raises ControlPlaneError: not all of it, so that Lambda tries again what it was sent
            asynchronously
        """
        (verdict,) = self._dispatcher.dispatch([self._reader.event(event, request_id)])
        _tell(verdict)
        if verdict.failure is not None and not verdict.is_done:
            if isinstance(verdict.failure, ControlPlaneError):
                raise verdict.failure
            raise InternalError(request_id) from None
        return batch_answer(verdict.outcomes, request_id)


def _is_of_queue(record: Any) -> bool:
    return isinstance(record, dict) and record.get("eventSource") == "aws:sqs"


def _processor(records: Sequence[Mapping[str, Any]]) -> BasePartialBatchProcessor:
    if not records[0]["eventSourceARN"].endswith(".fifo"):
        return BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    # After a failure, what follows in its group is to be delivered again as well.
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False
    return processor


def _tell(verdict: Verdict) -> None:
    """Log and count what became of a message that did not start as a whole."""
    failure = verdict.failure
    message = verdict.message
    said: dict[str, Any] = {"message_id": message.id, "receive_count": message.receive_count}
    if failure is None:
        if not message.items:
            logger.info("message asks for nothing", **said)
        return
    said |= {"error": type(failure).__name__}
    metrics.add_metric(name=f"Errors.{error_name(failure)}", unit="Count", value=1)
    reason = failure.message if isinstance(failure, ControlPlaneError) else "a defect"
    if verdict.is_dead:
        logger.warning("message dead-lettered", reason=reason, **said)
        metrics.add_metric(name="DeadLettered", unit="Count", value=1)
        return
    exception = None if isinstance(failure, ControlPlaneError) else failure
    logger.error(
        "message fails", reason=reason, not_kept=verdict.not_kept, exc_info=exception, **said
    )
    metrics.add_metric(name="MessagesFailed", unit="Count", value=1)
