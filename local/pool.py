"""The sandboxes of one function: started on demand, reused, replaced when they break."""

from __future__ import annotations

import asyncio
import os
from collections import deque

from local.sandbox_process import InitFailed, Invocation, Outcome, SandboxProcess
from local.template import Function


class Pool:
    """Serves invocations of one function, each sandbox one at a time.

    :param bound: the most sandboxes; invocations beyond it wait for one
    :param output: file descriptor for what handlers print, None for ours
    """

    def __init__(self, function: Function, bound: int, output: int | None = None) -> None:
        self._function = function
        self._bound = bound
        self._output = output
        self._idle: list[SandboxProcess] = []
        self._all: set[SandboxProcess] = set()
        self._waiting: deque[asyncio.Future[SandboxProcess]] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        # A start is bound by the processor: more at once would only delay the first one.
        self._most_starting = os.cpu_count() or 1

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler in a sandbox that is free, or in the first one to become so."""
        try:
            sandbox = await self._acquire()
        except InitFailed as error:
            return error.outcome
        try:
            return await sandbox.serve(invocation)
        finally:
            self._release(sandbox)

    async def close(self) -> None:
        """Kill every sandbox and wait until they are gone."""
        starting = tuple(self._starting)
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        await asyncio.gather(*(sandbox.kill() for sandbox in self._all))
        for waiter in self._waiting:
            waiter.cancel()

    async def _acquire(self) -> SandboxProcess:
        while self._idle:
            sandbox = self._idle.pop()
            if sandbox.is_alive:
                return sandbox
            self._all.discard(sandbox)
            await sandbox.kill()
        waiter: asyncio.Future[SandboxProcess] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._grow()
        return await waiter

    def _release(self, sandbox: SandboxProcess) -> None:
        if not sandbox.is_alive:
            self._all.discard(sandbox)
            self._grow()
        elif waiter := self._next_waiter():
            waiter.set_result(sandbox)
        else:
            self._idle.append(sandbox)

    def _next_waiter(self) -> asyncio.Future[SandboxProcess] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _grow(self) -> None:
        while (
            len(self._starting) < min(len(self._waiting), self._most_starting)
            and len(self._all) + len(self._starting) < self._bound
        ):
            task = asyncio.create_task(self._start())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start(self) -> None:
        try:
            sandbox = await SandboxProcess.start(self._function, self._output)
        except InitFailed as error:
            if waiter := self._next_waiter():
                waiter.set_exception(error)
        else:
            self._all.add(sandbox)
            self._release(sandbox)
        finally:
            # This start no longer counts; whoever still waits may need another one.
            if task := asyncio.current_task():
                self._starting.discard(task)
            self._grow()
