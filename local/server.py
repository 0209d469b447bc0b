"""A server program as a child process: started, awaited, stopped, never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import psutil  # type: ignore[import-untyped]

from local.child import command_of_child
from local.errors import LocalError
from local.lock import FolderLock
from local.ports import choose_port

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.01


class Server(ABC):
    """The part that both servers share.

    Everything lives in ``folder``: the data, the log, the password, the lock. A server ends with
    the process that started it, also when that one is killed. Start it from a thread that lives
    as long as the server is needed: Linux counts the end of that thread as the parent's end.

    :ivar url: where the server is and how to log in; set while it runs
    """

    name: str
    stop_signals: tuple[signal.Signals, ...]
    """Asked one after another; the first is also what the server gets when its parent dies."""

    def __init__(
        self, folder: Path, *, port: int | None = None, hosts: tuple[str, ...] = ("127.0.0.1",)
    ) -> None:
        self.folder = folder.resolve()
        self.hosts = hosts
        self.port = port or 0
        self.url = ""
        self._wanted_port = port
        self._lock = FolderLock(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the server and wait until it takes connections.

        :raises PortTaken: another program listens on the wanted port
        :raises LocalError: the folder is in use, or the server does not come up; says why
        """
        if self.is_running:
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        holder = self._lock.acquire(f"process {os.getpid()}")
        if holder:
            raise LocalError(f"{self.name}: {self.folder} is in use by {holder}")
        try:
            self._end_leftover()
            self._prepare()
            self._start_on_a_port()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and wait for its end; without effect when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            for wish in (*self.stop_signals, signal.SIGKILL):
                process.send_signal(wish)
                try:
                    process.wait(_STOP_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    continue
        if self._lock.is_held:
            self._pid_file.unlink(missing_ok=True)
            self._lock.release()
        self.url = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the server needs in its folder; nothing of it runs at this point."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the program, by its absolute path, and its arguments; ``port`` is set."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Tell whether the server takes connections."""

    @abstractmethod
    def _make_url(self) -> str:
        """Return the address with the login."""

    @property
    def _user(self) -> str | None:
        return None

    @property
    def _pid_file(self) -> Path:
        return self.folder / "pid"

    def _as_child(self, program: list[str], signal_at_end: signal.Signals) -> list[str]:
        return command_of_child(program, signal_at_end, str(self._pid_file), self._user)

    def _start_on_a_port(self) -> None:
        # A free port may be taken by another program before the server gets to it, and memory
        # of a killed server may be in use for some moments.
        for attempt in range(3):
            self.port = choose_port(self.hosts, self._wanted_port, self.name)
            if self._start_and_wait():
                self.url = self._make_url()
                return
            if "in use" not in self._last_words():
                break
            time.sleep(0.2 * (attempt + 1))
        raise LocalError(f"{self.name} does not start; its log says:\n{self._last_words()}")

    def _start_and_wait(self) -> bool:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                self._as_child(self._command(), self.stop_signals[0]),
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C at the terminal is for the parent, which stops us in its own order.
                process_group=0,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            if self._is_ready():
                return True
            time.sleep(_POLL_SECONDS)
        raise LocalError(f"{self.name} is not ready after {_START_SECONDS:.0f} s, see {self.log}")

    def _end_leftover(self) -> None:
        """End the server of a parent that was killed; on Linux it is about to end by itself."""
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            leftover = psutil.Process(int(self._pid_file.read_text(encoding="ascii")))
            # The number may belong to another program by now; ours works in our folder.
            if not Path(leftover.cwd()).is_relative_to(self.folder):
                return
            for wish in (*self.stop_signals, signal.SIGKILL):
                leftover.send_signal(wish)
                with contextlib.suppress(psutil.TimeoutExpired):
                    leftover.wait(_STOP_SECONDS)
                    return

    def _last_words(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-10:])
