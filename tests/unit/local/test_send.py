"""`make send`: what it delivers, how often, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

import local.send
from local.__main__ import main
from local.queue_file import QueueFile
from tests.unit.control_plane import EVENTS


@pytest.fixture
def folder(tmp_path):
    """The folder of a stack that runs, as far as files tell."""
    (tmp_path / "stack.env").write_text("API_URL=http://127.0.0.1:9\n")
    return tmp_path


@pytest.fixture
def deliveries(monkeypatch):
    """The function, which is done with whatever it is given, unless it is told otherwise."""
    function = FakeFunction()
    monkeypatch.setattr(local.send, "post", function.post)
    monkeypatch.setattr(local.send, "get", lambda *_: httpx.Response(200, json=[]))
    monkeypatch.setattr(local.send, "_PAUSE_SECONDS", 0)
    return function


class FakeFunction:
    def __init__(self):
        self.batches = []
        self.answer = lambda records: {"batchItemFailures": []}

    def post(self, _, text):
        records = json.loads(text)["Records"]
        self.batches.append(records)
        return httpx.Response(200, json=self.answer(records))


def all_failed(records):
    return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in records]}


def send(folder: Path, content: str | None = None, event: str = "event.json") -> int:
    file = folder / event
    if content is not None:
        file.write_text(content)
    return main(["send", "--folder", str(folder), "-e", str(file)])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read {file}: No such file or directory"),
        ("no JSON", "{file} holds no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[" * 100_000, "{file} holds no JSON: maximum recursion depth exceeded"),
        ('{"Records": []}', "the event holds no message: its Records are empty"),
    ],
)
def test_a_file_that_holds_no_message_is_told(folder, capsys, content, says):
    assert send(folder, content) == 1
    assert capsys.readouterr().err.startswith(says.format(file=folder / "event.json"))


def test_without_a_stack_it_says_how_to_start_one(tmp_path, capsys):
    assert send(tmp_path, "{}") == 1
    assert capsys.readouterr().err == "no stack is running; start one with: make serve\n"


def test_a_stack_that_was_killed_is_told_alike(folder, capsys, monkeypatch):
    def refuse(*_, **__):
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(httpx, "request", refuse)
    assert send(folder, "{}") == 1
    assert capsys.readouterr().err == "the stack does not answer; start it with: make serve\n"


def test_anything_but_a_batch_is_the_body_of_one_message(folder, deliveries):
    for content in ('{"path": "a"}', "42", '{"Records": [{"eventSource": "aws:s3"}]}'):
        assert send(folder, content) == 0
        ((record,),) = deliveries.batches
        assert json.loads(record["body"]) == json.loads(content)
        assert record["eventSource"] == "aws:sqs"
        deliveries.batches.clear()


def test_what_a_record_lacks_is_added(folder, deliveries):
    assert send(folder, '{"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}') == 0
    ((record,),) = deliveries.batches
    assert record["messageId"]
    assert record["attributes"] == {"ApproximateReceiveCount": "1"}


def test_it_delivers_ten_at_once_and_no_more_than_lambda_takes(folder, deliveries):
    def batch_of(*sizes):
        records = [{"eventSource": "aws:sqs", "body": "x" * size} for size in sizes]
        return json.dumps({"Records": records})

    assert send(folder, batch_of(*[1] * 23)) == 0
    assert [len(batch) for batch in deliveries.batches] == [10, 10, 3]
    deliveries.batches.clear()
    assert send(folder, batch_of(*[1024 * 1024] * 10)) == 0
    assert [len(batch) for batch in deliveries.batches] == [5, 5]


def test_what_fails_is_delivered_five_times_and_then_kept_as_a_dead_letter(
    folder, deliveries, capsys
):
    deliveries.answer = lambda records: all_failed(records[:1])
    event = json.loads((EVENTS / "sqs_with_attributes.json").read_text())
    assert send(folder, json.dumps(event)) == 1
    assert [len(batch) for batch in deliveries.batches] == [2, 1, 1, 1, 1]
    receives = [batch[0]["attributes"]["ApproximateReceiveCount"] for batch in deliveries.batches]
    assert receives == ["1", "2", "3", "4", "5"]
    (letter,) = QueueFile(folder / "dead-letters.jsonl").messages()
    assert letter["MessageBody"] == event["Records"][0]["body"]
    assert letter["MessageAttributes"]["noetl-idempotency-key"]["StringValue"] == "order-42"
    assert "given up" in capsys.readouterr().out


def test_a_failure_of_the_function_is_told_and_tried_again(folder, deliveries, capsys, monkeypatch):
    def post(_, text):
        deliveries.batches.append(text)
        headers = {"x-amz-function-error": "Unhandled"}
        error = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"}
        return httpx.Response(200, headers=headers, json=error)

    monkeypatch.setattr(local.send, "post", post)
    assert send(folder, "{}") == 1
    assert len(deliveries.batches) == 5
    assert "function fails Task timed out" in capsys.readouterr().out
