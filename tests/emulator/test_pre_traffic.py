"""The hook from end to end: CodeDeploy's event, the hook, the new version, PostgreSQL and NATS.

A server of the test's own takes what boto3 sends to Lambda and CodeDeploy; Lambda's invocations it
passes on to the emulated function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest

from local.template import read_template
from tests.emulator.emulated import EmulatedFunction
from tests.http_server import Handler, served
from tests.installation import NEW_VERSION

pytestmark = pytest.mark.emulator

PATH = f"/2015-03-31/functions/{NEW_VERSION}/invocations"


@contextmanager
def aws(invoke: Callable[[Any], Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve Lambda and CodeDeploy; yields the address, and what CodeDeploy was told."""
    told: list[dict[str, Any]] = []

    class Aws(Handler):
        def do_POST(self) -> None:  # noqa: N802
            body = json.loads(self.read())
            answer: Any = {}
            if unquote(self.path) == PATH:
                answer = invoke(body)
            elif self.headers["X-Amz-Target"].endswith(".PutLifecycleEventHookExecutionStatus"):
                told.append(body)
            content = json.dumps(answer).encode()
            self.send_response(200)
            if "errorType" in answer:
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with served(Aws) as url:
        yield url, told


def test_codedeploy_is_told_what_the_new_version_can_do(
    repository, emulator, emulated, installation, tmp_path
):
    template = read_template(
        repository / "template.yaml", environment=installation.environment()
    ).functions["PreTrafficFunction"]
    event = json.loads((repository / "events" / "pre_traffic.json").read_text())
    dry = json.loads((repository / "events" / "execute_dry_run.json").read_text())
    asked: list[Any] = []

    def invoke(request: Any) -> Any:
        asked.append(request)
        # The second one asks for what is not there.
        return emulated("ExecuteFunction").invoke(
            request if len(asked) == 1 else request | {"path": "examples/no_such_playbook"}
        )

    with aws(invoke) as (url, told):
        hook = replace(template, environment={**template.environment, "AWS_ENDPOINT_URL": url})
        with EmulatedFunction(emulator, hook, tmp_path / "hook.log") as function:
            first, second = function.invoke(event), function.invoke(event)
    assert asked == [dry, dry]
    assert first == {"status": "Succeeded", "reason": "a dry run went through"}
    assert second["reason"] == "PlaybookNotFound: Playbook not found: examples/no_such_playbook"
    assert [one["status"] for one in told] == ["Succeeded", "Failed"]
    assert {one["deploymentId"] for one in told} == {event["DeploymentId"]}
