"""The sandboxes of a function, with small handlers in the place of ours."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from local.pool import Pool
from local.sandbox_process import Invocation, Outcome
from local.template import Function
from tests.integration.local.processes import eventually, is_running

Scenario = Callable[[Pool], Coroutine[Any, Any, Any]]

HANDLER = """
import json, os, signal, sys, time

calls = 0

def lambda_handler(event, context):
    global calls
    calls += 1
    seen = {"pid": os.getpid(), "calls": calls}
    match event.get("do"):
        case "sleep":
            time.sleep(event["seconds"])
        case "exit":
            os._exit(3)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise ValueError("not today")
        case "return a set":
            return {1}
        case "tell the environment":
            return dict(os.environ) | {"cwd": os.getcwd(), "path": sys.path[:2]}
        case "tell the context":
            return {
                "request_id": context.aws_request_id,
                "name": context.function_name,
                "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb,
                "remaining": context.get_remaining_time_in_millis(),
                "trace": os.environ["_X_AMZN_TRACE_ID"],
            }
        case "import from the layer":
            import from_the_layer
            return from_the_layer.WORD
        case "start another process":
            import subprocess
            child = subprocess.Popen(["sleep", "60"])
            open(event["file"], "w").write(str(child.pid))
            time.sleep(60)
    print("printed by the handler")
    return seen | {"event": event}
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Run a scenario on a pool of sandboxes, which are gone afterwards."""
    code, layer = tmp_path / "code", tmp_path / "layer"
    code.mkdir()
    layer.mkdir()
    (code / "app.py").write_text(HANDLER)
    (layer / "from_the_layer.py").write_text("WORD = 'hello'\n")

    def run(scenario: Scenario, bound: int = 1, timeout: float = 10, handler: str = HANDLER) -> Any:
        (code / "app.py").write_text(handler)
        environment = {"OWN": "1", "AWS_REGION": "eu-north-1"}
        function = Function(
            "Some", code, "app.lambda_handler", "python3.13", timeout, 256, environment, (layer,)
        )

        async def main() -> Any:
            with (tmp_path / "log").open("wb") as log:
                pool = Pool(function, bound, log.fileno())
                try:
                    return await scenario(pool)
                finally:
                    await pool.close()

        return asyncio.run(main())

    return run


async def ask(pool: Pool, **event: Any) -> Any:
    outcome = await pool.invoke(Invocation(event))
    assert not outcome.failed, outcome
    return outcome.payload


async def fail(pool: Pool, **event: Any) -> dict[str, Any]:
    outcome = await pool.invoke(Invocation(event))
    assert outcome.failed, outcome
    return outcome.payload


def test_a_sandbox_is_reused(run):
    async def scenario(pool: Pool) -> list[Any]:
        return [await ask(pool, number=number) for number in range(3)]

    answers = run(scenario)
    assert [answer["event"] for answer in answers] == [{"number": n} for n in range(3)]
    assert [answer["calls"] for answer in answers] == [1, 2, 3]
    assert len({answer["pid"] for answer in answers}) == 1


def test_requests_at_once_get_sandboxes_of_their_own_up_to_the_bound(run):
    async def scenario(pool: Pool) -> list[Any]:
        calls = (ask(pool, do="sleep", seconds=0.3) for _ in range(8))
        return await asyncio.gather(*calls)

    answers = run(scenario, bound=2)
    assert len({answer["pid"] for answer in answers}) == 2
    # Every answer is numbered by its sandbox, so none served two requests at the same time.
    assert len({(answer["pid"], answer["calls"]) for answer in answers}) == 8


@pytest.mark.parametrize(("what", "words"), [("exit", "exit status 3"), ("die", "signal: SIGKILL")])
def test_a_sandbox_that_dies_fails_its_request_and_is_replaced(run, what: str, words: str):
    async def scenario(pool: Pool) -> tuple[Any, ...]:
        return await ask(pool), await fail(pool, do=what), await ask(pool)

    before, error, after = run(scenario)
    assert error["errorType"] == "Runtime.ExitError"
    assert words in error["errorMessage"]
    assert after["calls"] == 1
    assert after["pid"] != before["pid"]


def test_a_sandbox_killed_between_requests_fails_none(run):
    async def scenario(pool: Pool) -> tuple[Any, Any]:
        before = await ask(pool)
        os.kill(before["pid"], signal.SIGKILL)
        while is_running(before["pid"]):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        return before, await ask(pool)

    before, after = run(scenario)
    assert after["pid"] != before["pid"]


def test_a_request_that_takes_too_long_is_ended_and_its_sandbox_replaced(run):
    async def scenario(pool: Pool) -> tuple[Any, ...]:
        return await ask(pool), await fail(pool, do="sleep", seconds=60), await ask(pool)

    before, error, after = run(scenario, timeout=1)
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert after["pid"] != before["pid"]
    assert not is_running(before["pid"])


def test_what_a_handler_started_ends_with_its_sandbox(run, tmp_path: Path):
    file = tmp_path / "pid"

    async def scenario(pool: Pool) -> None:
        await fail(pool, do="start another process", file=str(file))

    run(scenario, timeout=2)
    pid = int(file.read_text())
    assert eventually(lambda: not is_running(pid))


def test_those_who_wait_are_served_after_a_crash(run):
    async def scenario(pool: Pool) -> list[Outcome]:
        events = [{"do": "exit"}, {"do": "exit"}, {}, {}]
        return await asyncio.gather(*(pool.invoke(Invocation(event)) for event in events))

    outcomes = run(scenario)
    assert [outcome.failed for outcome in outcomes] == [True, True, False, False]


def test_an_exception_of_the_handler_is_told_and_its_sandbox_kept(run):
    async def scenario(pool: Pool) -> tuple[Any, ...]:
        return await ask(pool), await fail(pool, do="raise"), await ask(pool)

    before, error, after = run(scenario)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "not today")
    assert "app.py" in error["stackTrace"][0]
    assert after["pid"] == before["pid"]


def test_an_answer_that_is_no_json_is_told(run):
    error = run(lambda pool: fail(pool, do="return a set"))
    assert error["errorType"] == "Runtime.MarshalError"


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("import no_such_module", "Runtime.ImportModuleError"),
        ("def lambda_handler(", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "Runtime.HandlerNotFound"),
        ("raise ValueError('DATABASE_URL is missing')", "ValueError"),
        ("import os; os._exit(1)", "Runtime.ExitError"),
    ],
)
def test_a_handler_that_does_not_load_fails_every_request(run, handler: str, error_type: str):
    async def scenario(pool: Pool) -> list[dict[str, Any]]:
        return await asyncio.gather(*(fail(pool) for _ in range(3)))

    errors = run(scenario, handler=handler)
    assert {error["errorType"] for error in errors} == {error_type}


def test_the_environment_is_lambdas_and_the_functions_and_none_of_ours(run, monkeypatch, tmp_path):
    monkeypatch.setenv("A_SECRET_OF_OURS", "1")
    seen = run(lambda pool: ask(pool, do="tell the environment"))
    assert "A_SECRET_OF_OURS" not in seen
    assert seen["OWN"] == "1"
    assert seen["AWS_REGION"] == "eu-north-1"  # the function's own word is the last one
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "Some"
    assert seen["cwd"] == str(tmp_path / "code")
    assert seen["path"] == [str(tmp_path / "code"), str(tmp_path / "layer")]


def test_the_context_tells_about_the_request_and_its_deadline(run):
    async def scenario(pool: Pool) -> Outcome:
        return await pool.invoke(Invocation({"do": "tell the context"}, "id-1", "Root=1-2-3"))

    context = run(scenario, timeout=10).payload
    assert 0 < context.pop("remaining") <= 10_000
    assert context == {
        "request_id": "id-1",
        "name": "Some",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:Some:live",
        "memory": "256",
        "trace": "Root=1-2-3",
    }


def test_the_layer_is_on_the_path(run):
    assert run(lambda pool: ask(pool, do="import from the layer")) == "hello"


def test_what_a_handler_prints_goes_to_the_log(run, tmp_path: Path):
    run(ask)
    assert "printed by the handler" in (tmp_path / "log").read_text()


def test_an_event_above_lambdas_limit_is_refused(run):
    error = run(lambda pool: fail(pool, text="x" * (6 * 1024 * 1024)))
    assert error["errorType"] == "RequestTooLargeException"


def test_closing_ends_the_sandboxes(run):
    answer = run(ask)
    assert eventually(lambda: not is_running(answer["pid"]))
