"""CloudFormation's custom resources: work that a stack waits for, and how it is told of the end.

A stack waits for the answer, for an hour by default and whatever went wrong, so every event is
answered: after a failure with the reason, which is shown to whoever deploys.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from control_plane.errors import ControlPlaneError
from control_plane.observability import logger

LONGEST_REASON = 800
"""Characters; CloudFormation takes 4,096 bytes for the whole answer."""
_PAUSES = (0.0, 1.0, 3.0)
_ANSWER_SECONDS = 10

Work = Callable[[], Mapping[str, Any]]


def is_custom_resource(event: Mapping[str, Any]) -> bool:
    """Tell whether CloudFormation sent the event and waits for an answer."""
    return "ResponseURL" in event and "RequestType" in event


def run_for_stack(event: Mapping[str, Any], work: Work) -> dict[str, Any]:
    """Do the work on Create and Update, nothing on Delete, and answer CloudFormation.

    :returns: what was sent
    :raises OSError: the answer did not get through; asking again repeats the work
    """
    answer: dict[str, Any] = {
        "Status": "SUCCESS",
        # Always the same, or CloudFormation takes it for a replacement and deletes the old one.
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    if event["RequestType"] != "Delete":
        try:
            answer["Data"] = work()
        except Exception as error:
            logger.exception("custom resource failed")
            answer |= {"Status": "FAILED", "Reason": _reason(error)[:LONGEST_REASON]}
    _send(event["ResponseURL"], json.dumps(answer, ensure_ascii=False).encode())
    return answer


def _reason(error: Exception) -> str:
    # The message of any other error may hold anything.
    if isinstance(error, ControlPlaneError):
        return error.message
    return f"{type(error).__name__}; the function's log has the details"


def _send(url: str, body: bytes) -> None:
    # The URL is signed for exactly this method and for no content type.
    request = Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    for pause in _PAUSES:
        time.sleep(pause)
        try:
            with urlopen(request, timeout=_ANSWER_SECONDS):  # noqa: S310  CloudFormation's own URL
                return
        except URLError as error:
            failure = error
    raise failure
