"""Runs what might never end, or never stop growing, in a process that can be killed.

The template engine is native code: once it builds or prints a list that holds itself a billion
times, neither a timer nor another thread of this process gets a word in, and when it runs out of
memory or stack the process is gone. A forked child costs about a millisecond, sees everything
without a copy, and its end is an answer like any other.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import resource
import select
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from control_plane.command.failures import OutOfMemory, RenderingFailed

MEMORY_BYTES = 192 * 1024 * 1024
"""Address space that a child may add to what it was born with."""

_STATISTICS = Path("/proc/self/statm")


def run_isolated(job: Callable[[], bytes], seconds: float) -> bytes:
    """Run a job in a child process and return what it returns.

    :param job: pure: nothing but its result leaves the child, and it must not raise
    :param seconds: wall time, after which the child is killed
    :raises RenderingFailed: the child took too long, or died: of memory or of its stack
    """
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        # Python warns of forks beside threads: a lock that another thread holds stays locked in
        # the child. The child takes none but the allocator's, which survives a fork; at worst it
        # runs into its time.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _be_child(job, write_end, seconds)
    os.close(write_end)
    try:
        return _read_result(read_end, seconds)
    finally:
        os.close(read_end)
        # Where the host ignores SIGCHLD, the child is gone by now.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _read_result(read_end: int, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    poll = select.poll()
    poll.register(read_end, select.POLLIN)
    chunks = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise RenderingFailed("the templates of the command take too long")
        chunk = os.read(read_end, 65536)
        if not chunk:
            break
        chunks.append(chunk)
    result = b"".join(chunks)
    # The last byte says that the result is whole.
    if not result.endswith(b"\0"):
        raise OutOfMemory
    return result[:-1]


def _be_child(job: Callable[[], bytes], write_end: int, seconds: float) -> None:
    """Do the job and end without a trace: no handler, no buffer, no connection is touched."""
    try:
        gc.disable()
        faulthandler.disable()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        _limit(seconds)
        rest = job() + b"\0"
        while rest:
            rest = rest[os.write(write_end, rest) :]
    finally:
        os._exit(0)


def _limit(seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    processor = int(seconds) + 2
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    with contextlib.suppress(ValueError, OSError):
        born_with = int(_STATISTICS.read_text().split()[0]) * resource.getpagesize()
        _, highest = resource.getrlimit(resource.RLIMIT_AS)
        limit = born_with + MEMORY_BYTES
        if highest != resource.RLIM_INFINITY:
            limit = min(limit, highest)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
