"""A function behind the emulator of Lambda's runtime interface, without Docker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

from local.ports import choose_port
from local.template import Function

_HOST = "127.0.0.1"
_START_SECONDS = 20


class EmulatedFunction:
    """Amazon's emulator and runtime client around the handler, as processes of this machine.

    One event at a time: two at once crash the emulator.
    """

    def __init__(self, emulator: Path, function: Function, log: Path) -> None:
        self._function = function
        self._log = log
        self._port, runtime_port = (choose_port((_HOST,), None, "emulator") for _ in range(2))
        self._command = [
            str(emulator),
            *("--runtime-interface-emulator-address", f"{_HOST}:{self._port}"),
            *("--runtime-api-address", f"{_HOST}:{runtime_port}"),
            *(sys.executable, "-m", "awslambdaric", function.handler),
        ]

    def __enter__(self) -> Self:
        path = os.pathsep.join(map(str, (self._function.code, *self._function.layers)))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._function.code,
                env=self._environment() | {"PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def invoke(self, event: dict[str, Any]) -> Any:
        """Send an event and return the answer, which has an ``errorType`` after a failure."""
        url = f"http://{_HOST}:{self._port}/2015-03-31/functions/function/invocations"
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                return httpx.post(url, json=event, timeout=60).json()
            except httpx.ConnectError:
                time.sleep(0.05)  # it does not listen yet
            except httpx.TransportError as error:
                raise AssertionError(self._log.read_text(errors="replace")) from error
        raise AssertionError(self._log.read_text(errors="replace"))

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "emulated",
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "AWS_LAMBDA_FUNCTION_NAME": self._function.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(int(self._function.timeout)),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._function.memory),
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self._function.environment,
        }
