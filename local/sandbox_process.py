"""The outside of a sandbox: its process, its socket, its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.child import command_of_child
from local.http_api import ACCOUNT_ID
from local.sandbox import LENGTH
from local.template import Function

REGION = "us-east-1"
LARGEST_PAYLOAD = 6 * 1024 * 1024
"""Bytes of an event, or of an answer, that Lambda takes."""
TOO_LARGE = "RequestTooLargeException"
"""The ``errorType`` of an event that is larger."""

_SANDBOX = Path(__file__).with_name("sandbox.py")
_INIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request to a function."""

    event: Any
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an invocation; ``payload`` is the error object when it ``failed``."""

    payload: Any
    failed: bool = False


class InitFailed(Exception):
    """The handler does not load; ``outcome`` says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.payload["errorMessage"])


class SandboxProcess:
    """One sandbox, started and ready."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, function: Function, output: int | None) -> SandboxProcess:
        """Start a sandbox and wait until its handler is loaded.

        :param output: file descriptor for what the handler prints, None for ours
        :raises InitFailed: the handler does not load, or not in time
        """
        sandbox = cls(function)
        try:
            await sandbox._launch(output)
        except BaseException:
            await sandbox.kill()
            raise
        return sandbox

    @property
    def is_alive(self) -> bool:
        """Whether it can serve; a process that just ended may not have been noticed yet."""
        return self._process.returncode is None and not self._reader.at_eof()

    async def serve(self, invocation: Invocation) -> Outcome:
        """Run the handler; whatever goes wrong inside or in time ends this sandbox."""
        timeout = self._function.timeout
        message = json.dumps(
            {
                "event": invocation.event,
                "request_id": invocation.request_id,
                "trace_id": invocation.trace_id,
                "arn": function_arn(self._function.name),
                "deadline_ms": int((time.time() + timeout) * 1000),
            }
        ).encode()
        if len(message) > LARGEST_PAYLOAD:
            return failure(TOO_LARGE, f"{len(message)} bytes of event", invocation)
        try:
            self._writer.write(LENGTH.pack(len(message)) + message)
            answer = await asyncio.wait_for(self._receive(), timeout)
        except TimeoutError:
            await self.kill()
            reason = f"Task timed out after {timeout:.2f} seconds"
            return failure("Sandbox.Timedout", reason, invocation)
        except (asyncio.IncompleteReadError, ConnectionError):
            return failure("Runtime.ExitError", await self._last_words(), invocation)
        except BaseException:
            await self.kill()
            raise
        if "error" in answer:
            return Outcome(answer["error"], failed=True)
        return Outcome(answer["result"])

    async def kill(self) -> None:
        """End the process and whatever it started, and hang up; may be asked for twice."""
        if hasattr(self, "_process") and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if hasattr(self, "_writer"):
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _launch(self, output: int | None) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(sock=ours)
            program = [sys.executable, "-P", "-u", str(_SANDBOX), str(theirs.fileno())]
            self._process = await asyncio.create_subprocess_exec(
                *command_of_child(program, signal.SIGKILL),
                env=environment(self._function),
                cwd=self._function.code,
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        finally:
            theirs.close()
        await self._await_ready()

    async def _await_ready(self) -> None:
        try:
            answer = await asyncio.wait_for(self._receive(), _INIT_SECONDS)
        except TimeoutError:
            reason = f"Init timed out after {_INIT_SECONDS:.2f} seconds"
            raise InitFailed(failure("Sandbox.Timedout", reason)) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise InitFailed(failure("Runtime.ExitError", await self._last_words())) from None
        if "error" in answer:
            raise InitFailed(Outcome(answer["error"], failed=True))

    async def _receive(self) -> dict[str, Any]:
        (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        data = await self._reader.readexactly(length)
        if length > LARGEST_PAYLOAD:
            return {"error": failure("Function.ResponseSizeTooLarge", f"{length} bytes").payload}
        answer: dict[str, Any] = json.loads(data)
        return answer

    async def _last_words(self) -> str:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 1)
        await self.kill()
        code = await self._process.wait()
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return f"Runtime exited with error: {how}"


def function_arn(name: str) -> str:
    """Return the ARN under which the function is invoked."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}:live"


def environment(function: Function) -> dict[str, str]:
    """Return the variables that the sandbox has: Lambda's and the function's, none of ours."""
    log_group = f"/aws/lambda/{function.name}"
    path = (function.code, *function.layers)
    lambda_has = {
        # For signatures that nobody here checks; no key of whoever runs this is handed on.
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[1]{uuid.uuid4().hex}",
        "AWS_REGION": REGION,
        "LAMBDA_TASK_ROOT": str(function.code),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
    return {**lambda_has, **function.environment}


def failure(error_type: str, reason: str, invocation: Invocation | None = None) -> Outcome:
    """Return the outcome for an invocation that Lambda itself ended."""
    request_id = invocation.request_id if invocation else ""
    message = f"RequestId: {request_id} Error: {reason}" if request_id else reason
    return Outcome({"errorType": error_type, "errorMessage": message}, failed=True)
