"""Schedules of the template on this machine: each invokes its function again and again."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.gateway import Invocable
from local.http_api import ACCOUNT_ID
from local.sandbox_process import REGION, Invocation, Outcome
from local.template import Schedule


class Scheduler:
    """Runs schedules as tasks of the event loop, the first time after one interval.

    Unlike on AWS, a run that takes longer than its interval delays the next one.

    :param report: is told of a run whose answer is another than that of the run before
    """

    def __init__(self, functions: Mapping[str, Invocable], report: Callable[[str], None]) -> None:
        self._functions = functions
        self._report = report
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, schedules: tuple[Schedule, ...]) -> None:
        """Begin to wait for the first time of each."""
        self._tasks += [asyncio.create_task(self._run(schedule)) for schedule in schedules]

    async def stop(self) -> None:
        """Invoke nothing any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, schedule: Schedule) -> None:
        function, last = self._functions[schedule.function], None
        while True:
            await asyncio.sleep(schedule.seconds)
            outcome = await function.invoke(Invocation(event_of(schedule)))
            if outcome != last:
                self._report(f"{schedule.function} by its schedule: {_told(outcome)}")
            last = outcome


def event_of(schedule: Schedule) -> dict[str, Any]:
    """Return the event that EventBridge sends now."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{schedule.name}"],
        "detail": {},
    }


def _told(outcome: Outcome) -> str:
    if outcome.failed:
        return f"failed: {outcome.payload['errorMessage']}"
    if isinstance(outcome.payload, dict):
        return json.dumps({name: value for name, value in outcome.payload.items() if value})
    return json.dumps(outcome.payload)
