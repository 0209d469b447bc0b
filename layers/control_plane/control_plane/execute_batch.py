"""``POST /api/execute/batch``: many requests in, what became of each out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from control_plane.answers import BatchItemAnswer, ExecuteBatchAnswer
from control_plane.batches import BatchItem, BatchStarter, Outcome
from control_plane.errors import ControlPlaneError, InternalError, RequestError, StoreUnavailable
from control_plane.executions import Execution, ExecutionStarter
from control_plane.observability import count_failure, logger
from control_plane.requests import Caller, ExecuteBatchRequest, ExecuteRequest, read_model


class BatchExecutor:
    """Starts the requests of one body."""

    def __init__(self, starter: ExecutionStarter) -> None:
        self._starter = BatchStarter(starter)

    def start(
        self, request: ExecuteBatchRequest, caller: Caller, key: str | None, incident: str
    ) -> ExecuteBatchAnswer:
        """Start each request for itself.

        Where it brings no key of its own, its key is the batch's with its place, so a batch that is
        sent again under its key starts nothing twice.

        :param key: of the header
        :param incident: the id under which the log has what went wrong inside
        :raises StoreUnavailable: no execution stands, and later some may
        """
        items = [_item(raw, caller, key, place) for place, raw in enumerate(request.executions)]
        return batch_answer(self._starter.start(items), incident)


def batch_answer(outcomes: Iterable[Outcome], incident: str) -> ExecuteBatchAnswer:
    """Return the answer that tells these outcomes.

    :raises StoreUnavailable: as `BatchExecutor.start`
    """
    given = list(outcomes)
    results = [_answer(place, outcome, incident) for place, outcome in enumerate(given)]
    number = {"started": 0, "duplicate": 0, "error": 0}
    for result in results:
        number[result["status"]] += 1
    if number["error"] == len(given):
        for outcome in given:
            if isinstance(outcome, StoreUnavailable):
                raise outcome
    return ExecuteBatchAnswer(
        count=len(given),
        started=number["started"],
        duplicates=number["duplicate"],
        failed=number["error"],
        results=results,
    )


def _item(raw: Any, caller: Caller, key: str | None, place: int) -> BatchItem | RequestError:
    try:
        request = read_model(ExecuteRequest, raw)
    except RequestError as error:
        return error
    # A space is in no key of a caller's, so these are nobody else's.
    return BatchItem(
        request,
        caller._replace(request_id=f"{caller.request_id} {place}"),
        request.idempotency_key or (key and f"{key} {place}"),
    )


def _answer(place: int, outcome: Outcome, incident: str) -> BatchItemAnswer:
    if isinstance(outcome, Execution):
        return BatchItemAnswer(
            index=place,
            status="duplicate" if outcome.replayed else "started",
            execution_id=outcome.answer["execution_id"],
            commands_generated=outcome.answer["commands_generated"],
            error=None,
        )
    return BatchItemAnswer(
        index=place,
        status="error",
        execution_id=None,
        commands_generated=0,
        error=_told(outcome, place, incident),
    )


def _told(error: Exception, place: int, incident: str) -> str:
    """Put an error into the log, and return what the caller may know of it."""
    if isinstance(error, RequestError):
        logger.info("request refused", error=type(error).__name__, index=place)
    elif isinstance(error, ControlPlaneError):
        logger.error(error.message, error=type(error).__name__, index=place)
    else:
        logger.error("internal error", incident=incident, index=place, exc_info=error)
        error = InternalError(incident)
    count_failure(error)
    return error.message
