"""``python -m local send``, with a stand-in for the function and with the whole stack."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from local import send as send_module
from local.errors import LocalError
from local.queue_file import QueueFile
from local.send import most_receives, send
from local.stack import Ports, Stack

EVENTS = Path(__file__).parents[3] / "events"
PLAYBOOK = Path(__file__).parents[3] / "playbooks" / "hello_world.yaml"


class Function:
    """A trigger function that fails the messages of some ids, so many times each.

    :ivar deliveries: the ids of each invocation
    """

    def __init__(self) -> None:
        self.fails: dict[str, int] = {}
        self.breaks = 0
        self.deliveries: list[list[str]] = []
        self.counts: list[str] = []
        self.bodies: list[str] = []

    def invoke(self, event: dict[str, Any]) -> tuple[dict[str, str], Any]:
        ids = [record["messageId"] for record in event["Records"]]
        self.deliveries.append(ids)
        self.bodies += [record["body"] for record in event["Records"]]
        self.counts.append(event["Records"][0]["attributes"]["ApproximateReceiveCount"])
        if self.breaks:
            self.breaks -= 1
            return {"x-amz-function-error": "Unhandled"}, {"errorType": "Runtime.ExitError"}
        failed = [one for one in ids if self.fails.get(one, 0) > 0]
        for one in failed:
            self.fails[one] -= 1
        return {}, {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    """What runs in the folder."""
    function = Function()
    monkeypatch.setattr(send_module, "_PAUSE_SECONDS", 0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.answer(*function.invoke(json.loads(body)))

        def do_GET(self) -> None:
            self.answer({}, [{"execution_id": "7", "path": "examples/hello_world"}])

        def answer(self, headers: dict[str, str], value: Any) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            for name, text in {"content-length": str(len(content)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        (tmp_path / "stack.env").write_text(f"API_URL=http://127.0.0.1:{server.server_port}\n")
        yield function
        server.shutdown()
        thread.join()


def a_batch(tmp_path: Path, *ids: str) -> Path:
    """An event of these messages."""
    (record, *_) = json.loads((EVENTS / "sqs_batch.json").read_text())["Records"]
    file = tmp_path / "batch.json"
    file.write_text(json.dumps({"Records": [record | {"messageId": one} for one in ids]}))
    return file


def test_what_is_done_is_delivered_once(function, tmp_path, capsys):
    assert send(a_batch(tmp_path, "a", "b"), tmp_path) == 0
    assert function.deliveries == [["a", "b"]]
    assert "started        execution 7 of examples/hello_world" in capsys.readouterr().out


def test_what_fails_is_delivered_again_and_nothing_else_is(function, tmp_path):
    function.fails = {"b": 2}
    assert send(a_batch(tmp_path, "a", "b", "c"), tmp_path) == 0
    assert function.deliveries == [["a", "b", "c"], ["b"], ["b"]]
    assert function.counts == ["1", "2", "3"]


def test_what_fails_as_often_as_the_queue_allows_is_given_up(function, tmp_path, capsys):
    function.fails = {"b": 99}
    assert send(a_batch(tmp_path, "a", "b"), tmp_path) == 1
    assert len(function.deliveries) == most_receives() == 5
    (letter,) = QueueFile(tmp_path / "dead-letters.jsonl").messages()
    assert json.loads(letter["MessageBody"])["path"] == "examples/hello_world"
    assert "given up       b" in capsys.readouterr().out


def test_a_function_that_breaks_fails_the_whole_batch(function, tmp_path):
    function.breaks = 1
    assert send(a_batch(tmp_path, "a", "b"), tmp_path) == 0
    assert function.deliveries == [["a", "b"]] * 2


def test_more_than_ten_messages_are_several_batches(function, tmp_path):
    assert send(a_batch(tmp_path, *map(str, range(23))), tmp_path) == 0
    assert [len(ids) for ids in function.deliveries] == [10, 10, 3]


def test_anything_else_is_the_body_of_one_message(function, tmp_path):
    assert send(EVENTS / "sns_s3.json", tmp_path) == 0
    (body,) = function.bodies
    assert json.loads(body) == json.loads((EVENTS / "sns_s3.json").read_text())


@pytest.mark.parametrize("content", ["{", None])
def test_what_is_no_json_is_told(function, tmp_path, content):
    file = tmp_path / "event.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(LocalError, match="holds no event"):
        send(file, tmp_path)


def test_without_a_stack_the_way_to_one_is_told(tmp_path):
    with pytest.raises(LocalError, match="make serve"):
        send(EVENTS / "sqs_batch.json", tmp_path)


def test_a_batch_with_good_and_bad_messages_through_the_stack(tmp_path, repository):
    async def main() -> str:
        async with (
            Stack(tmp_path, Ports.free(), sandboxes=1, report=lambda _: None) as stack,
            httpx.AsyncClient(base_url=stack.api_url, timeout=60, trust_env=False) as client,
        ):
            await client.post("/api/catalog/register", json={"content": PLAYBOOK.read_text()})
            command = [sys.executable, "-m", "local", "send", "--folder", str(tmp_path)]
            done = await asyncio.to_thread(
                subprocess.run,
                [*command, "--event", str(EVENTS / "sqs_partial.json")],
                cwd=repository,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return str(done.stdout)

    lines = asyncio.run(main()).splitlines()
    words = [line.split()[0] for line in lines]
    assert (words.count("done"), words.count("dead-lettered"), words.count("started")) == (2, 4, 2)
    assert any("Playbook not found: examples/no_such_playbook" in line for line in lines)
    assert len(QueueFile(tmp_path / "dead-letters.jsonl").messages()) == 4
