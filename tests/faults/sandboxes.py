"""Real sandboxes: processes that are killed, frozen and cloned, and whose clocks go wrong."""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.child import command_of_child
from local.sandbox import LENGTH
from local.sandbox_process import environment, function_arn
from local.template import Function
from tests.faults.zygote import OFFSET

ROOT = Path(__file__).parents[2]


class Ended(Exception):
    """The sandbox ended, or was ended, before it answered.

    :ivar was_expected: whether it was killed or frozen meanwhile
    """

    def __init__(self, message: str, was_expected: bool) -> None:
        self.was_expected = was_expected
        super().__init__(message)


class Sandbox:
    """One sandbox of a function, ready.

    :ivar clock_offset: seconds by which its wall clock is wrong
    :ivar is_alive: whether it can serve, as far as is known
    """

    def __init__(
        self, function: Function, pid: int, connection: socket.socket, clock: Path
    ) -> None:
        self.pid = pid
        self.is_alive = True
        self._was_disturbed = False
        self._function = function
        self._connection = connection
        self._lock = threading.Lock()
        with clock.open("r+b") as opened:
            self._clock = mmap.mmap(opened.fileno(), OFFSET.size)
        self._receive()

    @property
    def clock_offset(self) -> float:
        offset: float = OFFSET.unpack(self._clock[:])[0]
        return offset

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        self._clock[:] = OFFSET.pack(seconds)

    def invoke(self, event: Any, timeout: float | None = None) -> Any:
        """Serve an event; as Lambda does, end the sandbox when its time is over.

        :raises Ended: no answer will come
        """
        seconds = timeout or self._function.timeout
        request = {
            "event": event,
            "request_id": str(uuid.uuid4()),
            "arn": function_arn(self._function.name),
            "deadline_ms": int((time.time() + self.clock_offset + seconds) * 1000),
            "trace_id": "",
        }
        message = json.dumps(request).encode()
        with self._lock:
            if not self.is_alive:
                raise Ended("it had ended before", True)
            self._was_disturbed = False
            try:
                self._connection.settimeout(seconds)
                self._connection.sendall(LENGTH.pack(len(message)) + message)
                answer = self._receive()
            except TimeoutError:
                self._signal(signal.SIGKILL)
                raise self._ended("the time was over") from None
            except OSError:
                raise self._ended("the process ended") from None
        return answer["error"] if "error" in answer else answer["result"]

    def kill(self) -> None:
        """End it as Lambda does: without a word."""
        self._was_disturbed = True
        self.is_alive = False
        self._signal(signal.SIGKILL)

    @contextmanager
    def frozen(self, seconds: float = 0.0) -> Iterator[None]:
        """Stop it as between two invocations; its clock tells at the thaw how long that was."""
        self._was_disturbed = True
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.clock_offset += seconds
            self._signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self._connection.close()

    def _ended(self, why: str) -> Ended:
        self.is_alive = False
        return Ended(why, self._was_disturbed)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _receive(self) -> dict[str, Any]:
        (length,) = LENGTH.unpack(self._read(LENGTH.size))
        answer: dict[str, Any] = json.loads(self._read(length))
        return answer

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self._connection.recv(size - len(data))
            if not chunk:
                raise ConnectionResetError
            data += chunk
        return data


class Zygote:
    """The process that sandboxes are forked from.

    :param functions: of the template, by their names
    """

    def __init__(self, functions: Mapping[str, Function], folder: Path) -> None:
        self._functions = functions
        self._folder = folder
        self._socket, theirs = socket.socketpair()
        program = [sys.executable, "-m", "tests.faults.zygote", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command_of_child(program, signal.SIGKILL),
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/control_plane'}"},
            pass_fds=(theirs.fileno(),),
        )
        theirs.close()
        self._socket.settimeout(30)
        assert self._socket.recv(16) == b"ready"
        self._lock = threading.Lock()

    def sandbox(self, name: str, variables: Mapping[str, str], log: Path) -> Sandbox:
        """Fork a sandbox of a function; `log` gets what its handler prints."""
        clock = self._folder / uuid.uuid4().hex
        clock.write_bytes(OFFSET.pack(0.0))
        function = self._functions[name]
        function = replace(function, environment={**function.environment, **variables})
        request = environment(function) | {"FAULTS_CLOCK": str(clock)}
        ours, theirs = socket.socketpair()
        ours.settimeout(30)
        with theirs, log.open("ab") as opened, self._lock:
            descriptors = [theirs.fileno(), opened.fileno()]
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            pid = int(self._socket.recv(16))
        return Sandbox(function, pid, ours, clock)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(10)
