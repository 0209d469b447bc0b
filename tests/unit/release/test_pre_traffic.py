"""The hook: what it asks of Lambda and tells CodeDeploy, by the requests that boto3 would send."""

from __future__ import annotations

import io
import json

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from control_plane import invocation
from control_plane.release import pre_traffic
from control_plane.release.pre_traffic import PreTrafficCheck
from tests.unit.control_plane import event

VERSION = "arn:aws:lambda:eu-central-1:123456789012:function:execute:7"
ASKED = {"FunctionName": VERSION, "Payload": b'{"dry_run": true, "path": "system/canary"}'}
WELL = {"status": "dry run", "commands_generated": 1, "nats": "ok"}
BUSY = {"errorType": "StoreUnavailable", "errorMessage": "The database is restarting"}


class Aws:
    """Lambda and CodeDeploy: answer what the test says, refuse a request of another form."""

    def __init__(self) -> None:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        self.functions, self.deployments = (
            boto3.client(name, region_name="eu-central-1", **keys)
            for name in ("lambda", "codedeploy")
        )
        self.lambda_stub, self.codedeploy_stub = Stubber(self.functions), Stubber(self.deployments)
        self.lambda_stub.activate()
        self.codedeploy_stub.activate()

    def answers(self, told: object, error: str | None = None) -> None:
        text = json.dumps(told).encode()
        response = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(text), len(text))}
        failed = {"FunctionError": error} if error else {}
        self.lambda_stub.add_response("invoke", response | failed, ASKED)

    def hears(self, status: str) -> None:
        self.codedeploy_stub.add_response(
            "put_lifecycle_event_hook_execution_status",
            {},
            {
                "deploymentId": "d-1A2B3C4D5",
                "lifecycleEventHookExecutionId": event("pre_traffic")[
                    "LifecycleEventHookExecutionId"
                ],
                "status": status,
            },
        )

    def check(self) -> dict[str, str]:
        check = PreTrafficCheck(VERSION, self.functions, self.deployments)
        verdict = check.run(event("pre_traffic"))
        self.lambda_stub.assert_no_pending_responses()
        self.codedeploy_stub.assert_no_pending_responses()
        return dict(verdict)


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setattr(pre_traffic, "PAUSE_SECONDS", 0.0)
    return Aws()


@pytest.mark.parametrize("nats", ["ok", "not configured"])
def test_a_version_that_starts_dry_may_have_traffic(aws, nats):
    aws.answers(WELL | {"nats": nats})
    aws.hears("Succeeded")
    assert aws.check()["status"] == "Succeeded"


@pytest.mark.parametrize(
    ("told", "error", "reason"),
    [
        (
            {"errorType": "SchemaNotReady", "errorMessage": "version 7, needed is 8"},
            "Unhandled",
            "SchemaNotReady: version 7, needed is 8",
        ),
        (
            {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'nats'"},
            "Unhandled",
            "Runtime.ImportModuleError: No module named 'nats'",
        ),
        (
            {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 15.00 seconds"},
            "Unhandled",
            "Sandbox.Timedout: Task timed out after 15.00 seconds",
        ),
        (WELL | {"nats": "unreachable"}, None, "BrokerUnavailable: NATS: unreachable"),
        (
            {"execution_id": "1", "status": "started"},
            None,
            "NoDryRun: the new version does not know what a dry run is",
        ),
    ],
)
def test_a_version_that_fails_gets_none_and_the_reason_is_told(aws, told, error, reason):
    aws.answers(told, error)
    aws.hears("Failed")
    assert aws.check() == {"status": "Failed", "reason": reason}


def test_the_log_says_why_and_of_which_version(aws, caplog):
    aws.answers(WELL | {"nats": "no stream"})
    aws.hears("Failed")
    aws.check()
    (line,) = caplog.records
    assert (line.levelname, line.message) == ("ERROR", "pre-traffic check")
    assert (line.version, line.reason) == (VERSION, "BrokerUnavailable: NATS: no stream")


def test_a_version_that_lambda_refuses_to_call_gets_none(aws):
    aws.lambda_stub.add_client_error("invoke", "ResourceNotFoundException")
    aws.hears("Failed")
    reason = "ResourceNotFoundException: the new version could not be asked"
    assert aws.check()["reason"] == reason


def test_a_database_that_is_back_a_moment_later_is_asked_twice(aws):
    aws.answers(BUSY, "Unhandled")
    aws.answers(WELL)
    aws.hears("Succeeded")
    assert aws.check()["status"] == "Succeeded"


def test_a_database_that_stays_away_is_asked_no_third_time(aws):
    aws.answers(BUSY, "Unhandled")
    aws.answers(BUSY, "Unhandled")
    aws.hears("Failed")
    assert aws.check()["reason"] == "StoreUnavailable: The database is restarting"


def test_without_time_for_a_second_try_codedeploy_is_told_at_once(aws):
    aws.answers(BUSY, "Unhandled")
    aws.hears("Failed")
    with invocation.lasting(pre_traffic.INVOKE_SECONDS + pre_traffic.REPORT_SECONDS):
        assert aws.check()["status"] == "Failed"


def test_that_codedeploy_cannot_be_told_is_in_the_log_and_an_error(aws, caplog):
    aws.answers(WELL)
    aws.codedeploy_stub.add_client_error(
        "put_lifecycle_event_hook_execution_status", "DeploymentDoesNotExistException"
    )
    with pytest.raises(Exception, match="DeploymentDoesNotExistException"):
        aws.check()
    line = caplog.records[-1]
    assert line.message == "CodeDeploy was not told"
    assert line.error == "DeploymentDoesNotExistException"


def test_every_wait_is_bounded_well_within_the_function_s_two_minutes(monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "eu-central-1")
    asked = pre_traffic._client("lambda", pre_traffic.INVOKE_SECONDS, tries=1).meta.config
    told = pre_traffic._client("codedeploy", pre_traffic.REPORT_SECONDS / 6, tries=3).meta.config
    longest = 2 * (asked.connect_timeout + asked.read_timeout) + pre_traffic.PAUSE_SECONDS
    longest += 3 * (told.connect_timeout + told.read_timeout)
    assert asked.retries["total_max_attempts"] == 1
    assert longest < 115
