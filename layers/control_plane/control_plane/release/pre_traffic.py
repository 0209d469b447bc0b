"""CodeDeploy's hook: has the new version run something dry, and says whether it may have traffic.

CodeDeploy waits for the answer, for an hour, so there is one in any case, and within two minutes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from typing_extensions import TypedDict

from control_plane import invocation
from control_plane.observability import logger
from control_plane.release import CANARY_PATH

INVOKE_SECONDS = 30
"""Longer than a cold start (10 s) and the function's timeout (15 s) take together."""
REPORT_SECONDS = 30
"""What telling CodeDeploy may take, repeats included."""
PAUSE_SECONDS = 2.0
MAY_PASS = frozenset({"StoreUnavailable"})
"""Errors after which a second try is worth its while: the first connection of a failover."""
GOOD = frozenset({"ok", "not configured"})
"""What the new version may say of NATS."""


class Verdict(TypedDict):
    """What CodeDeploy was told, and why."""

    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a version must not have traffic.

    :ivar error: the class of the failure
    :ivar reason: for whoever reads the log
    """

    error: str
    reason: str


class PreTrafficCheck:
    """Checks one version of a function.

    :param version_arn: the function with its version number
    :param functions: boto3's client of Lambda; made when it is first needed
    :param deployments: boto3's client of CodeDeploy; likewise
    """

    def __init__(self, version_arn: str, functions: Any = None, deployments: Any = None) -> None:
        self._version_arn = version_arn
        self._functions = functions
        self._deployments = deployments

    def run(self, event: Mapping[str, Any]) -> Verdict:
        """Check the version and tell CodeDeploy.

        :param event: ``DeploymentId`` and ``LifecycleEventHookExecutionId``
        :raises Exception: CodeDeploy could not be told, and will wait until it gives up
        """
        unfit = self._check()
        reason = "a dry run went through" if unfit is None else f"{unfit.error}: {unfit.reason}"
        verdict = Verdict(status="Failed" if unfit else "Succeeded", reason=reason)
        level = logger.error if unfit else logger.info
        level("pre-traffic check", version=self._version_arn, **verdict)
        self._report(event, verdict)
        return verdict

    def _check(self) -> Unfit | None:
        unfit = self._try()
        enough = invocation.seconds_left() > INVOKE_SECONDS + REPORT_SECONDS + PAUSE_SECONDS
        if unfit is not None and unfit.error in MAY_PASS and enough:
            time.sleep(PAUSE_SECONDS)
            unfit = self._try()
        return unfit

    def _try(self) -> Unfit | None:
        request = json.dumps({"dry_run": True, "path": CANARY_PATH}).encode()
        try:
            if self._functions is None:
                self._functions = _client("lambda", INVOKE_SECONDS, tries=1)
            answer = self._functions.invoke(FunctionName=self._version_arn, Payload=request)
            told = json.loads(answer["Payload"].read())
        except Exception as error:  # botocore's are made at run time
            return Unfit(_code(error), "the new version could not be asked")
        if answer.get("FunctionError"):
            return Unfit(
                str(told.get("errorType", answer["FunctionError"])),
                str(told.get("errorMessage", "the function says no more")),
            )
        if told.get("status") != "dry run":
            return Unfit("NoDryRun", "the new version does not know what a dry run is")
        if told.get("nats") not in GOOD:
            return Unfit("BrokerUnavailable", f"NATS: {told.get('nats')}")
        return None

    def _report(self, event: Mapping[str, Any], verdict: Verdict) -> None:
        try:
            if self._deployments is None:
                self._deployments = _client("codedeploy", REPORT_SECONDS / 6, tries=3)
            self._deployments.put_lifecycle_event_hook_execution_status(
                deploymentId=event["DeploymentId"],
                lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
                status=verdict["status"],
            )
        except Exception as error:
            logger.error("CodeDeploy was not told", error=_code(error))
            raise


def _client(service: str, read_seconds: float, *, tries: int) -> Any:
    config = import_module("botocore.config").Config(
        connect_timeout=3, read_timeout=read_seconds, retries={"total_max_attempts": tries}
    )
    return import_module("boto3").client(service, config=config)


def _code(error: Exception) -> str:
    response = getattr(error, "response", {})  # botocore's ClientError
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
