"""Become another program that cannot outlive its parent.

``python child.py PARENT_PID SIGNAL PID_FILE USER PROGRAM [ARGUMENT …]``

It runs as a script of its own rather than as ``preexec_fn``: that one forks a process with
threads and may deadlock. Only the standard library, so that it starts in milliseconds.

- Linux sends SIGNAL when the parent (to be exact: its thread that started us) ends, even by
  SIGKILL. Elsewhere the next start finds the program by its PID_FILE and ends it.
- USER is the name of an unprivileged account, or ``-`` to stay who we are.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from pathlib import Path
from signal import Signals

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAP_SETPCAP = 8


def command_of_child(
    program: list[str], signal: Signals, pid_file: str = os.devnull, user: str | None = None
) -> list[str]:
    """Return the command line that runs the program this way, with us as its parent."""
    child = [__file__, str(os.getpid()), str(int(signal)), pid_file, user or "-"]
    return [sys.executable, "-IS", *child, *program]


def main(arguments: list[str]) -> None:
    """Take the steps in the only order that works: the kernel forgets the signal at setuid."""
    parent, signal, pid_file, user, *program = arguments
    Path(pid_file).write_text(str(os.getpid()), encoding="ascii")
    if user != "-":
        _become(user, program[0])
    end_with_parent(int(signal))
    if os.getppid() != int(parent):
        sys.exit("the parent ended before its child began")
    os.execv(program[0], program)  # noqa: S606  no shell is the point


def end_with_parent(signal: int) -> None:
    """Have the kernel send us the signal when our parent ends; Linux only."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal)


def _become(user: str, program: str) -> None:
    account = pwd.getpwnam(user)
    if sys.platform == "linux":
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if sys.platform == "linux" and not _can_reach(program):
        _keep_the_right_to_search()


def _can_reach(program: str) -> bool:
    return os.access(program, os.X_OK) and os.access(Path.cwd(), os.X_OK)


def _keep_the_right_to_search() -> None:
    """Let the account walk through folders that are closed to it, such as ``/root``.

    The alternative would be to open those folders to everyone on the machine. Containers often
    lack the narrower of the two capabilities.
    """
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        try:
            _hold(capability, _CAP_SETPCAP)
            # access(2), which PostgreSQL asks about its programs, ignores capabilities otherwise.
            _prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP)
            _hold(capability)
            _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)
        except PermissionError:
            continue
        return


def _hold(*capabilities: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = sum(1 << capability for capability in capabilities)
    # effective, permitted, inheritable; then the same for capabilities 32 and above
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(libc.capset(ctypes.byref(header), ctypes.byref(sets)))


def _prctl(option: int, *values: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _check(libc.prctl(option, *padded))


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


if __name__ == "__main__":
    main(sys.argv[1:])
