"""The queue: who may send to it, what becomes of what fails, and what the example sources send."""

from __future__ import annotations

import json
import re

import pytest

from control_plane.batches import BatchItem
from control_plane.limits import Limits
from control_plane.triggers.messages import MessageReader
from tests.template.switches import SWITCHES

DAY = 24 * 3600


@pytest.fixture(scope="module")
def queues(resolve):
    return resolve().of_type("AWS::SQS::Queue")


@pytest.fixture(scope="module")
def function(resolve):
    return resolve().of_type("AWS::Serverless::Function")["TriggerFunction"]


def policy(resolve, queue, switch="defaults"):
    found = resolve(**SWITCHES[switch]).of_type("AWS::SQS::QueuePolicy")[f"{queue}Policy"]
    assert found["Queues"] == [queue]
    return {item["Sid"]: item for item in found["PolicyDocument"]["Statement"]}


def item_of(body):
    """What the trigger function makes of a body."""
    (item,) = MessageReader(Limits()).event(json.loads(body), "request-1").items
    assert isinstance(item, BatchItem), item
    return item


def test_a_message_stays_hidden_six_times_as_long_as_the_function_may_work_on_it(queues, function):
    assert queues["TriggerQueue"]["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_what_fails_often_goes_to_a_queue_that_keeps_it_for_two_weeks(queues):
    redrive = queues["TriggerQueue"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 5  # AWS's advice, so that throttling costs no message
    assert redrive["deadLetterTargetArn"].endswith(":TriggerDeadLetterQueue")
    assert queues["TriggerDeadLetterQueue"]["MessageRetentionPeriod"] == 14 * DAY
    assert queues["TriggerQueue"]["MessageRetentionPeriod"] == 4 * DAY


def test_both_queues_are_encrypted_and_refuse_plain_text(resolve, queues):
    for name, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True
        deny = policy(resolve, name)["RefusePlainText"]
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "sqs:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_by_default_no_service_may_send(resolve, queues):
    for name in queues:
        assert set(policy(resolve, name)) == {"RefusePlainText"}


@pytest.mark.parametrize(
    ("switch", "rule"), [("ObjectsPath", "ObjectsRule"), ("BusEventPath", "BusEventRule")]
)
def test_a_rule_may_send_and_no_other_rule_may(resolve, queues, switch, rule):
    for name in queues:
        allow = policy(resolve, name, switch)["SendByOwnRules"]
        assert allow["Principal"] == {"Service": "events.amazonaws.com"}
        assert allow["Action"] == "sqs:SendMessage"
        (source,) = allow["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert source.endswith(f":{rule}")


def test_with_every_source_each_rule_may_send_and_is_named(resolve, queues):
    for name in queues:
        allow = policy(resolve, name, "every trigger")["SendByOwnRules"]
        sources = allow["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert [one.rpartition(":")[2] for one in sources] == ["ObjectsRule", "BusEventRule"]


def test_what_a_source_cannot_send_is_kept_as_a_dead_letter(resolve):
    stack = resolve(**SWITCHES["every trigger"])
    rules = stack.of_type("AWS::Events::Rule").values()
    targets = [target for rule in rules for target in rule["Targets"]]
    schedules = stack.of_type("AWS::Scheduler::Schedule").values()
    targets += [schedule["Target"] for schedule in schedules]
    assert len(targets) == 3
    for target in targets:
        assert target["Arn"].endswith(":TriggerQueue")
        assert target["DeadLetterConfig"]["Arn"].endswith(":TriggerDeadLetterQueue")


def test_sources_of_one_s_own_may_send_to_the_queue_alone(resolve):
    allow = policy(resolve, "TriggerQueue", "TriggerSourceArns")["SendByGivenSources"]
    given = SWITCHES["TriggerSourceArns"]["TriggerSourceArns"].split(",")
    assert allow["Condition"] == {"ArnEquals": {"aws:SourceArn": given}}
    assert "SendByGivenSources" not in policy(
        resolve, "TriggerDeadLetterQueue", "TriggerSourceArns"
    )


def test_the_queue_is_worked_on_by_few_sandboxes_in_full_batches(function):
    (queue,) = function["Events"].values()
    assert queue["Type"] == "SQS"
    assert queue["Properties"]["BatchSize"] == 10
    assert queue["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["Properties"]["ScalingConfig"] == {"MaximumConcurrency": "5"}


def test_what_is_sent_to_the_function_itself_ends_in_the_same_dead_letter_queue(function):
    config = function["EventInvokeConfig"]
    assert config["MaximumRetryAttempts"] == 2
    assert config["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith(
        ":TriggerDeadLetterQueue"
    )


def test_the_schedule_s_input_is_a_request_with_a_key_of_its_own(resolve):
    stack = resolve(**SWITCHES["NightlyPath"])
    target = stack.of_type("AWS::Scheduler::Schedule")["NightlySchedule"]["Target"]
    schedule = "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/stack-nightly"
    sent = target["Input"].replace("<aws.scheduler.schedule-arn>", schedule)
    item = item_of(sent.replace("<aws.scheduler.scheduled-time>", "2026-10-28T02:00:00Z"))
    assert item.request.path == "examples/nightly_close"
    assert item.request.payload == {"scheduled_time": "2026-10-28T02:00:00Z"}
    assert (item.caller.source, item.caller.principal) == ("scheduler", schedule)


def test_the_schedule_s_role_may_send_to_the_queues_and_do_nothing_else(resolve):
    role = resolve(**SWITCHES["NightlyPath"]).of_type("AWS::IAM::Role")["ScheduleRole"]
    (assume,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert assume["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert assume["Condition"]["StringEquals"]["aws:SourceAccount"]
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["sqs:SendMessage"]
    assert len(statement["Resource"]) == 2


@pytest.mark.parametrize(
    ("switch", "rule", "sample", "source"),
    [
        ("ObjectsPath", "ObjectsRule", "s3_object_created", "s3"),
        ("BusEventPath", "BusEventRule", "custom", "eventbridge"),
    ],
)
def test_a_rule_s_transformer_builds_a_request_that_is_known_by_its_event(  # noqa: PLR0917
    resolve, repository, switch, rule, sample, source
):
    (target,) = resolve(**SWITCHES[switch]).of_type("AWS::Events::Rule")[rule]["Targets"]
    event = (repository / "events" / f"eventbridge_{sample}.json").read_text()
    template = target["InputTransformer"]["InputTemplate"]
    item = item_of(template.replace("<aws.events.event.json>", event))
    assert item.request.path == SWITCHES[switch][switch]
    assert item.request.payload == {"event": json.loads(event)}
    assert item.caller.source == source


def test_the_rules_match_the_sample_events(resolve, repository):
    def matches(pattern, event):
        if isinstance(pattern, dict):
            return all(matches(part, event[name]) for name, part in pattern.items())
        return any(
            event.startswith(one["prefix"]) if isinstance(one, dict) else event == one
            for one in pattern
        )

    for switch, rule, sample in (
        ("ObjectsPath", "ObjectsRule", "s3_object_created"),
        ("BusEventPath", "BusEventRule", "custom"),
    ):
        pattern = resolve(**SWITCHES[switch]).of_type("AWS::Events::Rule")[rule]["EventPattern"]
        event = json.loads((repository / "events" / f"eventbridge_{sample}.json").read_text())
        assert matches(pattern, event)


@pytest.mark.parametrize("path", ['a", "payload": {"x": "', "a\\", "<aws.events.event>", "a\nb"])
@pytest.mark.parametrize("parameter", ["NightlyPath", "ObjectsPath", "BusEventPath"])
def test_a_path_that_would_break_out_of_its_json_is_refused(template, parameter, path):

    pattern = re.compile(template["Parameters"][parameter]["AllowedPattern"])
    assert not pattern.fullmatch(path)
    assert pattern.fullmatch("examples/größe & more")
