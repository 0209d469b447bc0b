"""What the sample events of the trigger function must lead to; part of the table of them all."""

from __future__ import annotations

from dataclasses import dataclass

from tests.event_run import Case, ExpectedStart, Run

QUEUE = "sqs:arn:aws:sqs:eu-central-1:123456789012:noetl-serverless-trigger"
OBJECT = "s3:invoices-example:incoming/"
TOPIC = "sns:arn:aws:sns:eu-central-1:123456789012:orders:"
SCHEDULE = (
    "scheduler:arn:aws:scheduler:eu-central-1:123456789012:schedule/default/noetl-nightly:2026-10-"
)
TRACE = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=t61rcWkgMzE",
}
XRAY = {"traceparent": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"}


@dataclass(frozen=True)
class Triggers:
    """The event starts executions, and delivered again it starts none.

    :ivar dead: the reasons why messages can never start, in their order
    """

    starts: tuple[ExpectedStart, ...] = ()
    dead: tuple[str, ...] = ()

    def __call__(self, run: Run) -> None:
        executions, letters = run.installation.executions(), run.installation.dead_letters()
        self._invoke(run)
        started = run.installation.executions() - executions
        assert len(started) == len(self.starts)
        by_name = sorted(started, key=run.installation.greeted)
        for expected, execution_id in zip(sorted(self.starts, key=_name), by_name, strict=True):
            expected.check(run.installation, execution_id)
        dead = run.installation.dead_letters()[len(letters) :]
        reasons = [one["MessageAttributes"]["noetl-reason"]["StringValue"] for one in dead]
        assert reasons == list(self.dead)
        rows = run.installation.number_of_rows()
        self._invoke(run)
        assert run.installation.number_of_rows() == rows

    def _invoke(self, run: Run) -> None:
        answer = run.invoke(run.event)
        assert "errorType" not in answer, answer
        records = run.event.get("Records", [{}])
        if records[0].get("eventSource") == "aws:sqs":
            assert answer == {"batchItemFailures": []}
        else:
            assert answer["failed"] == 0
            assert answer["count"] == len(self.starts)


def _name(expected: ExpectedStart) -> str:
    return expected.greets


def one(key: str, greets: str = "World", trace: dict[str, str] | None = None) -> Triggers:
    """The case of an event that starts one execution."""
    return Triggers((ExpectedStart(greets, key, trace=trace),))


def several(*starts: tuple[str, str]) -> Triggers:
    """The case of an event that starts several: who is greeted, and the key's beginning."""
    return Triggers(tuple(ExpectedStart(greets, key) for greets, key in starts))


TRIGGER_CASES: dict[str, Case] = {
    "eventbridge_custom.json": one("eventbridge:123456789012/com.example.orders:7bf73129-"),
    "eventbridge_s3_object_created.json": one(f"{OBJECT}Rechnung 2026 🧾.pdf:IYV3p45BT0ac8hj"),
    "eventbridge_schedule.json": one("eventbridge:123456789012/aws.events:53dc4d37-"),
    "s3_notification.json": one(f"{OBJECT}Rechnung 2026 🧾.pdf:096fKKXTRTtl3on89fVO"),
    "s3_test.json": Triggers(),
    "scheduler.json": one(f"{SCHEDULE}28T02:00:00Z", greets="Night"),
    "sns.json": one(f"{TOPIC}topic-1", greets="Topic"),
    "sns_s3.json": one(f"{OBJECT}sns 1.pdf::00617F08299329D190:examples/hello_world"),
    "sqs_batch.json": several(("Ada", QUEUE), ("Grace", QUEUE), ("Ada", QUEUE)),
    "sqs_eventbridge_custom.json": several(
        ("Order", "eventbridge:123456789012/com.example.orders:"),
        ("World", "eventbridge:123456789012/com.example.orders:"),
    ),
    # Two messages, one event.
    "sqs_eventbridge_s3_object_created.json": one(f"{OBJECT}Rechnung", greets="Object"),
    "sqs_eventbridge_schedule.json": one("eventbridge:123456789012/aws.events:"),
    "sqs_fifo.json": several(
        ("Ada", f"{QUEUE}.fifo:"), ("Grace", f"{QUEUE}.fifo:"), ("Ada", f"{QUEUE}.fifo:")
    ),
    "sqs_partial.json": Triggers(
        (ExpectedStart("First", f"{QUEUE}:"), ExpectedStart("Last", f"{QUEUE}:")),
        dead=(
            "Playbook not found: examples/no_such_playbook",
            "The request body is not JSON: Expecting value (line 1, column 1)",
            "body: must be a JSON object",
            "Unknown event shape: an object with the fields colour",
        ),
    ),
    "sqs_s3_notification.json": one(f"{OBJECT}queue.pdf::00617F08299329D193:"),
    "sqs_s3_test.json": Triggers(),
    # Scheduler, too, may send twice for one time.
    "sqs_scheduler.json": one(f"{SCHEDULE}29T02:00:00Z", greets="Night"),
    "sqs_sns.json": several(("Topic", TOPIC), ("World", TOPIC)),
    "sqs_sns_s3.json": one(f"{OBJECT}sns 2.pdf::00617F08299329D191:"),
    "sqs_with_attributes.json": Triggers(
        (
            ExpectedStart("World", f"{QUEUE}:order-42", trace=TRACE),
            ExpectedStart("Traced", f"{QUEUE}:", trace=XRAY),
        )
    ),
}
TRIGGER_PREFIXES = {"eventbridge", "s3", "scheduler", "sns", "sqs"}
"""How the names of these files begin."""
