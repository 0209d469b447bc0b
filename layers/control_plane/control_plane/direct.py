"""Direct invocation: Step Functions, ``aws lambda invoke``, ``sam local invoke -e``."""

from __future__ import annotations

from typing import Any

from control_plane.errors import ControlPlaneError, InternalError
from control_plane.executions import ExecutionStarter
from control_plane.json_text import check_value
from control_plane.limits import Limits
from control_plane.observability import logger
from control_plane.requests import Caller, ExecuteRequest, read_model


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
    try:
        check_value(event, limits)
        request = read_model(ExecuteRequest, event)
        execution = starter.start(request, Caller("direct", "anonymous", request_id))
    except ControlPlaneError as error:
        logger.info("request refused", error=type(error).__name__)
        raise
    except Exception:
        logger.exception("internal error", incident=request_id)
        # A driver's message may name the host: the invoker gets the incident alone.
        raise InternalError(request_id) from None
    if execution.replayed:
        return {**execution.answer, "replayed": True}
    return {**execution.answer}
