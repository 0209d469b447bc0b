"""The event loop of a sandbox: it runs while somebody waits for it, or in a thread to get ready."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

# A forked process shares its event loop's descriptors with the original, and even a finalizer
# would reach into them. So what was forgotten is kept.
_forgotten: list[object] = []


class SandboxLoop:
    """An event loop that is made with the first work and then kept; for one thread at a time.

    The exception is `begin`, whose thread has the loop to itself: everything else waits for it.
    """

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._thread: threading.Thread | None = None

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Run in a thread what whoever comes next may find done; whether it fails is not told."""
        if self._is_busy():
            work.close()
            return
        self._thread = threading.Thread(target=self._run_silently, args=(work,), daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result], end: float) -> Result:
        """Run to the end, after what has begun before.

        :param end: until when to wait for the latter, in the time of `time.monotonic`
        :raises TimeoutError: it has not ended; nothing was run
        """
        if self._thread is not None:
            self._thread.join(max(0.0, end - time.monotonic()))
            if self._is_busy():
                work.close()
                raise TimeoutError
        return self._run(work)

    def close(self) -> None:
        """Close the loop; the next work opens another one."""
        if self._thread is not None:
            self._thread.join()
        if self._runner is not None:
            self._runner.close()
        self._runner = None

    def forget(self) -> None:
        """Leave the loop behind without touching it: it may be a clone's."""
        _forgotten.append(self._runner)
        self._runner = self._thread = None

    def _is_busy(self) -> bool:
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
        return self._thread is not None

    def _run_silently(self, work: Coroutine[Any, Any, object]) -> None:
        with contextlib.suppress(Exception):
            self._run(work)

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        # Not Runner.run, which swaps the handler of Ctrl-C twice, for 37 microseconds a call.
        return self._runner.get_loop().run_until_complete(work)
