"""What each file of events/ must lead to, wherever the function runs.

A case is called with a `Run` and asserts; ``CASES`` is the table of them all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from control_plane.postgres.sql import needed_version
from tests.event_run import Case, ExpectedStart, Run
from tests.http_server import answers_of_custom_resources
from tests.installation import CATALOG_ID
from tests.trigger_cases import TRIGGER_CASES, TRIGGER_PREFIXES

EXECUTION_ID = 658371920845300736
"""The execution that the sample events name."""

WAITING_ID = 658371920845400064
"""An execution whose notification waits in the outbox."""

REQUEST_ID = "JKJaXmPLvHcESHA="
"""The id of API Gateway's in every HTTP event."""


@dataclass(frozen=True)
class Starts:
    """The event starts hello_world: rows, command and message are there.

    :ivar greets: the name that the worker will greet
    :ivar key: how the stored idempotency key begins
    :ivar direct: a bare request, whose answer is no HTTP response
    :ivar repeatable: the event brings a key, so sending it again starts nothing
    :ivar trace: the trace context that rows and message carry
    """

    greets: str = "World"
    key: str = f"http:anonymous:{REQUEST_ID}"
    direct: bool = False
    parent: int | None = None
    repeatable: bool = False
    trace: dict[str, str] | None = None

    def __call__(self, run: Run) -> None:
        answer, is_replay = self._body(run.invoke(run.event))
        assert not is_replay
        assert answer["status"] == "started"
        assert answer["commands_generated"] == 1
        expected = ExpectedStart(self.greets, self.key, self.parent, self.trace)
        expected.check(run.installation, answer["execution_id"])
        if self.repeatable:
            rows = run.installation.number_of_rows()
            assert self._body(run.invoke(run.event)) == (answer, True)
            assert run.installation.number_of_rows() == rows

    def _body(self, answer: Any) -> tuple[dict[str, Any], bool]:
        if self.direct:
            assert "errorType" not in answer, answer
            return answer, answer.pop("replayed", False)
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"]), "Idempotent-Replayed" in answer["headers"]


@dataclass(frozen=True)
class IsRefused:
    """The event is answered with an error and leaves nothing behind."""

    status: int
    says: str

    def __call__(self, run: Run) -> None:
        rows = run.installation.number_of_rows()
        answer = run.invoke(run.event)
        assert answer["statusCode"] == self.status
        body = json.loads(answer["body"])
        assert body["status"] == self.status
        assert self.says in body["error"]
        assert run.installation.number_of_rows() == rows


@dataclass(frozen=True)
class Registers:
    """The event adds a version of a playbook to the catalog."""

    path: str

    def __call__(self, run: Run) -> None:
        before = run.installation.catalog_versions(self.path)
        answer = run.invoke(run.event)
        assert answer["statusCode"] == 200, answer
        body = json.loads(answer["body"])
        assert body["path"] == self.path
        assert run.installation.catalog_versions(self.path) == [*before, int(body["version"])]


@dataclass(frozen=True)
class Tells:
    """The event is answered with what is known of an execution that is there, or of the catalog.

    :ivar check: what must be true of the answer's body
    :ivar header: a header that must be there
    """

    check: Callable[[Any], bool]
    header: str | None = None

    def __call__(self, run: Run) -> None:
        run.installation.add_execution(EXECUTION_ID)
        answer = run.invoke(run.event)
        assert answer["statusCode"] == 200, answer
        assert self.check(json.loads(answer["body"])), answer
        assert self.header is None or self.header in answer["headers"]


def registers_what_it_can(run: Run) -> None:
    """A batch registers the playbook and says what is wrong with the other item."""
    path = "examples/registered_in_batch"
    before = run.installation.catalog_versions(path)
    answer = run.invoke(run.event)
    assert answer["statusCode"] == 200, answer
    body = json.loads(answer["body"])
    assert (body["registered"], body["failed"], body["skipped"]) == (1, 1, 0)
    good, bad = body["results"]
    assert (good["status"], good["path"], bad["status"]) == ("success", path, "error")
    assert run.installation.catalog_versions(path) == [*before, good["version"]]


def starts_what_it_can(run: Run) -> None:
    """Of a batch two start, one is a duplicate and one fails; sent again, none starts."""
    body = json.loads(run.invoke(run.event)["body"])
    assert [one["status"] for one in body["results"]] == [
        "started",
        "error",
        "started",
        "duplicate",
    ]
    first, failed, second, duplicate = body["results"]
    assert failed["error"] == "Playbook not found: examples/no_such_playbook"
    assert duplicate["execution_id"] == first["execution_id"]
    for started, greets in ((first, "Ada"), (second, "Grace")):
        recorded = run.installation.recorded(started["execution_id"])
        (command,) = recorded.commands
        assert command["context"]["tool_config"]["args"]["name"] == greets
        assert len(recorded.messages) == 1
    rows = run.installation.number_of_rows()
    again = json.loads(run.invoke(run.event)["body"])
    assert (again["started"], again["duplicates"], again["failed"]) == (0, 3, 1)
    assert run.installation.number_of_rows() == rows


def cancels_once(run: Run) -> None:
    """The execution is cancelled; sending the event again changes nothing."""
    run.installation.add_execution(EXECUTION_ID)
    answer = json.loads(run.invoke(run.event)["body"])
    assert answer["cancelled_executions"] == [str(EXECUTION_ID)]
    rows = run.installation.number_of_rows()
    assert json.loads(run.invoke(run.event)["body"])["cancelled_executions"] == []
    assert run.installation.number_of_rows() == rows


def starts_again(run: Run) -> None:
    """What was started before is started once more, its input overridden by the event's."""
    run.installation.add_execution(EXECUTION_ID)
    Starts(greets="Rerun")(run)


def tells_that_all_is_well(run: Run) -> None:
    """Health finds database, schema and NATS."""
    answer = run.invoke(run.event)
    assert answer["statusCode"] == 200
    well = {"status": "ok", "database": "ok", "schema": "ok", "nats": "ok"}
    assert json.loads(answer["body"]) == well


def starts_dry(run: Run) -> None:
    """The built-in canary goes all the way, and no row and no message is there afterwards."""
    rows = run.installation.number_of_rows()
    answer = run.invoke(run.event)
    assert answer == {"status": "dry run", "commands_generated": 1, "nats": "ok"}
    assert run.installation.number_of_rows() == rows


def fails_without_aws(run: Run) -> None:
    """Neither Lambda nor CodeDeploy is there: the hook ends, and says so (see test_pre_traffic)."""
    answer = run.invoke(run.event)
    assert answer["errorType"] in {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ProxyConnectionError",
        "UnrecognizedClientException",  # AWS is reached, with keys that are made up
    }, answer


def relays_what_waits(run: Run) -> None:
    """A notification that waits is sent; a second time there is nothing to send."""
    run.installation.add_waiting_notification(WAITING_ID)
    answer = run.invoke(run.event)
    assert (_first_notified(answer), answer["waiting"], answer["finished"]) == (1, 0, True), answer
    (message,) = run.installation.messages_of(WAITING_ID)
    assert message.headers["Nats-Msg-Id"] == f"{WAITING_ID}:start:{WAITING_ID + 2}"
    assert _first_notified(run.invoke(run.event)) == 0


def lists_what_is_parked(run: Run) -> None:
    """What was given up is told, and nothing is done about it."""
    run.installation.add_waiting_notification(WAITING_ID + 100, parked=True)
    (parked,) = run.invoke(run.event)["parked"]
    assert parked["execution_id"] == str(WAITING_ID + 100)
    assert run.installation.messages_of(WAITING_ID + 100) == []


def releases_what_is_parked(run: Run) -> None:
    """What was given up is sent after all."""
    run.installation.add_waiting_notification(WAITING_ID + 200, parked=True)
    answer = run.invoke(run.event)
    assert (answer["released"], _first_notified(answer), answer["parked"]) == (1, 1, 0), answer
    assert len(run.installation.messages_of(WAITING_ID + 200)) == 1


def _first_notified(answer: dict[str, Any]) -> int:
    """Leave out what other cases started more than five minutes ago and no worker claimed."""
    return int(answer["notified"] - answer["renotified"])


def migrates_once(run: Run) -> None:
    """An empty database gets the schema; a second time there is nothing to do."""
    run.installation.empty_the_unmigrated_database()
    first, second = run.invoke(run.event), run.invoke(run.event)
    assert first["version"] == second["version"] == needed_version()
    assert len(first["applied"]) == needed_version()
    assert second["applied"] == []
    assert run.installation.schema_version_of_the_unmigrated_database() == needed_version()


def migrates_for_a_stack(run: Run) -> None:
    """CloudFormation is told at the URL of the event that the migration is done."""
    run.installation.empty_the_unmigrated_database()
    with answers_of_custom_resources(run.host) as (url, answers):
        run.invoke(run.event | {"ResponseURL": url})
    ((_, answer),) = answers
    assert answer["Status"] == "SUCCESS", answer
    assert answer["RequestId"] == run.event["RequestId"]
    assert answer["Data"]["version"] == needed_version()
    assert run.installation.schema_version_of_the_unmigrated_database() == needed_version()


CASES: dict[str, Case] = TRIGGER_CASES | {
    "catalog_list.json": Tells(lambda body: len(body["entries"]) == 1),
    "catalog_register_batch.json": registers_what_it_can,
    "catalog_resource.json": Tells(lambda body: body["catalog_id"] == str(CATALOG_ID)),
    "catalog_register.json": Registers("examples/registered_by_event"),
    "execute_batch.json": starts_what_it_can,
    "execute_base64_body.json": Starts(greets="Base64"),
    "execute_by_catalog_id.json": Starts(),
    "execute_by_path.json": Starts(),
    "execute_dry_run.json": starts_dry,
    "execute_direct.json": Starts(greets="Direct", key="direct:anonymous:", direct=True),
    "execute_iam_caller.json": Starts(key="http:AROAIOSFODNN7EXAMPLE:nightly:"),
    "execute_invalid.json": IsRefused(422, "payload: must be an object"),
    "execute_jwt_caller.json": Starts(
        key="http:https://login.example.com/|auth0|5f7c8ec7c33c6c004bbafe82:"
    ),
    "execute_malformed.json": IsRefused(400, "The request body is not JSON"),
    "execute_nested.json": Starts(greets="Child", parent=658371920845275136),
    "execute_step_functions.json": Starts(
        greets="Step Functions",
        key="direct:anonymous:arn:aws:states:",
        direct=True,
        repeatable=True,
    ),
    "execute_unknown_path.json": IsRefused(404, "Playbook not found: examples/no_such_playbook"),
    "execute_with_key.json": Starts(
        greets="Once", key="http:anonymous:order-2026-10-28-0001", repeatable=True
    ),
    "execute_with_payload.json": Starts(greets="Ada"),
    "execute_with_trace.json": Starts(
        greets="Traced",
        trace={
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "tracestate": "vendor=t61rcWkgMzE",
            "baggage": "tenant=acme",
        },
    ),
    "execute_rerun.json": starts_again,
    "executions_cancel.json": cancels_once,
    "executions_events.json": Tells(
        lambda body: [event["event_type"] for event in body["events"]] == ["command.issued"]
    ),
    "executions_list.json": Tells(
        lambda body: [one["path"] for one in body] == ["examples/hello_world"], header="Link"
    ),
    "executions_made_up_cursor.json": IsRefused(422, "cursor: is no cursor of this list"),
    "executions_show.json": Tells(
        lambda body: (body["workload"], len(body["events"])) == ({"name": "Before"}, 2)
    ),
    "executions_status.json": Tells(
        lambda body: (body["status"], body["current_step"]) == ("RUNNING", "start")
    ),
    "health.json": tells_that_all_is_well,
    "migrate.json": migrates_once,
    "migrate_stack_create.json": migrates_for_a_stack,
    "pre_traffic.json": fails_without_aws,
    "relay_parked.json": lists_what_is_parked,
    "relay_release.json": releases_what_is_parked,
    "relay_schedule.json": relays_what_waits,
}


def function_of(file: str) -> str:
    """The function, by its name in the template, for which an event is meant."""
    prefix = file.partition("_")[0].removesuffix(".json")
    functions = {
        "catalog": "CatalogFunction",
        "executions": "ExecutionsFunction",
        "migrate": "MigrateFunction",
        "pre": "PreTrafficFunction",
        **dict.fromkeys(TRIGGER_PREFIXES, "TriggerFunction"),
        "relay": "RelayFunction",
    }
    return functions.get(prefix, "ExecuteFunction")
