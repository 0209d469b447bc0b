"""Makes sandboxes in milliseconds: a process that has imported what takes long, and is forked.

``python zygote.py DESCRIPTOR``, one end of a Unix socket. On it come requests in JSON with two
descriptors, the sandbox's socket and its log; back goes the process id. Each child then loads its
handler and serves as `local.sandbox` does, with a wall clock that the tests may set.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import pkgutil
import signal
import socket
import struct
import sys
import time

import control_plane
from local import sandbox
from local.child import end_with_parent

OFFSET = struct.Struct("d")


def main(descriptor: int) -> None:
    """Serve until the tests hang up."""
    for module in pkgutil.walk_packages(control_plane.__path__, "control_plane."):
        importlib.import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that no child stays behind as a zombie
    with socket.socket(fileno=descriptor) as tests:
        tests.send(b"ready")
        while True:
            message, descriptors, _, _ = socket.recv_fds(tests, 1 << 16, 2)
            if not message:
                return
            child = os.fork()
            if child == 0:
                tests.close()
                become_sandbox(json.loads(message), *descriptors)
            for one in descriptors:
                os.close(one)
            tests.send(str(child).encode())


def become_sandbox(request: dict[str, str], connection: int, log: int) -> None:
    """Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    clock, bug = request.pop("FAULTS_CLOCK"), request.pop("FAULTS_BUG", None)
    set_clock(clock)
    os.environ.clear()
    os.environ.update(request)
    sys.path.insert(0, request["LAMBDA_TASK_ROOT"])
    if bug is not None:
        doubles = importlib.import_module("tests.faults.doubles")
        doubles.install(bug, importlib.import_module("app"))
    sandbox.main(connection)
    os._exit(0)


def set_clock(file: str) -> None:
    """Have the wall clock go wrong by as many seconds as the file says at the moment."""
    with open(file, "rb") as opened:  # noqa: PTH123
        offset = mmap.mmap(opened.fileno(), OFFSET.size, prot=mmap.PROT_READ)
    right = time.time
    time.time = lambda: right() + OFFSET.unpack(offset[:])[0]


if __name__ == "__main__":
    main(int(sys.argv[1]))
