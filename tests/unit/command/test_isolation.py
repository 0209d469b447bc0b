"""A job in a process of its own: its result, or its end."""

from __future__ import annotations

import os
import signal
import threading
import time

import psutil
import pytest

from control_plane.command.failures import OutOfMemory, RenderingFailed
from control_plane.command.isolation import MEMORY_BYTES, run_isolated

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _no_child_is_left():
    """Other suites' servers are children of this process as well: only a new one is ours."""
    before = psutil.Process().children()
    yield
    assert psutil.Process().children() == before


@pytest.mark.parametrize("result", [b"", b"done", b"\0\0", b"x" * 3_000_000])
def test_the_result_comes_back_whole(result):
    assert run_isolated(lambda: result, PATIENCE) == result


def test_what_the_job_does_stays_in_its_process():
    seen = []
    assert run_isolated(lambda: (seen.append(1), str(os.getpid()).encode())[1], PATIENCE) != (
        str(os.getpid()).encode()
    )
    assert seen == []


def test_a_job_that_takes_too_long_is_killed():
    with pytest.raises(RenderingFailed, match="take too long"):
        run_isolated(lambda: time.sleep(PATIENCE) or b"", 0.1)


@pytest.mark.parametrize(
    "end",
    [
        lambda: os.kill(os.getpid(), signal.SIGSEGV),
        os.abort,
        lambda: bytes(2 * MEMORY_BYTES),
        lambda: (_ for _ in ()).throw(RuntimeError("no such thing")),
        lambda: os._exit(1),
    ],
)
def test_a_job_that_dies_is_an_answer_too(end):
    with pytest.raises(OutOfMemory):
        run_isolated(lambda: end() or b"", PATIENCE)


def test_other_threads_are_no_hindrance():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert run_isolated(lambda: b"done", PATIENCE) == b"done"
    finally:
        stop.set()
        thread.join()


def test_no_file_stays_open():
    before = os.listdir("/dev/fd")  # noqa: PTH208
    for _ in range(5):
        run_isolated(lambda: b"done", PATIENCE)
        with pytest.raises(OutOfMemory):
            run_isolated(lambda: os._exit(1), PATIENCE)
    assert len(os.listdir("/dev/fd")) == len(before)  # noqa: PTH208
