"""Direct invocation: Step Functions, ``aws lambda invoke``, ``sam local invoke -e``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from control_plane.errors import ControlPlaneError, InternalError, RequestError
from control_plane.executions import ExecutionStarter
from control_plane.json_text import check_value
from control_plane.limits import Limits
from control_plane.observability import count_failure, logger
from control_plane.requests import Caller, ExecuteRequest, read_model

if TYPE_CHECKING:
    from control_plane.release.dry_run import DryRunner


def is_http(event: Any) -> bool:
    """Tell an HTTP API event from a bare request."""
    return isinstance(event, dict) and "http" in (event.get("requestContext") or {})


def start_directly(
    starter: ExecutionStarter, limits: Limits, event: Any, request_id: str
) -> dict[str, Any]:
    """Start what a bare request asks for.

    :param request_id: the invocation's id, the same when Lambda retries an asynchronous one
    :returns: the answer, with ``replayed: true`` where the key was known
    :raises ControlPlaneError: its class's name is the ``errorType`` that the invoker sees
    """
    with _telling(request_id):
        execution = starter.start(_read(event, limits), _caller(request_id))
    if execution.replayed:
        return {**execution.answer, "replayed": True}
    return {**execution.answer}


def is_dry_run(event: Any) -> bool:
    """Tell a bare request that is to leave nothing behind; over HTTP there is none."""
    return isinstance(event, dict) and event.get("dry_run") is True


def run_dry(runner: DryRunner, limits: Limits, event: Any, request_id: str) -> dict[str, Any]:
    """Do what `start_directly` does, and undo it.

    :raises ControlPlaneError: as `start_directly`
    """
    with _telling(request_id):
        return {**runner.run(_read(event, limits), _caller(request_id))}


def _read(event: Any, limits: Limits) -> ExecuteRequest:
    check_value(event, limits)
    return read_model(ExecuteRequest, event)


def _caller(request_id: str) -> Caller:
    return Caller("direct", "anonymous", request_id)


@contextmanager
def _telling(request_id: str) -> Iterator[None]:
    try:
        yield
    except ControlPlaneError as error:
        count_failure(error)
        if isinstance(error, RequestError):
            logger.info("request refused", error=type(error).__name__)
        else:
            logger.error(error.message, error=type(error).__name__, cause=repr(error.__cause__))
        raise
    except Exception as error:
        count_failure(error)
        logger.exception("internal error", incident=request_id)
        # A driver's message may name the host: the invoker gets the incident alone.
        raise InternalError(request_id) from None
