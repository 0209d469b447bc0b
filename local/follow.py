"""``python -m local follow ID``: an execution's events as they come, read through the API."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from local.errors import LocalError

_PAUSE_SECONDS = 1.0
# Ids are times. An event may become visible after one with a greater id, so the last seconds are
# read again each time, and what was shown is left out.
_LATE_BY_IDS = 10_000 << 23
_PATIENCE = aiohttp.ClientTimeout(total=30)
_COLOURS = {"COMPLETED": "32", "FAILED": "31", "CANCELLED": "31"}


async def follow(execution_id: str, url: str | None, folder: Path) -> int:
    """Print each event until the execution has ended.

    :param url: of the API; None is that of the stack in the folder
    :returns: 0 when it has completed, else 1
    :raises LocalError: the API cannot be reached, or does not know the execution
    """
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        api = f"{(url or _running(folder)).rstrip('/')}/api/executions/{execution_id}"
        shown: set[str] = set()
        while True:
            # Asked before the events are, so that none is missing when it has ended.
            status = (await _get(session, f"{api}/status"))["status"]
            async for event in _events(session, api, shown):
                print(_line(event), flush=True)
            if status != "RUNNING":
                print(f"Execution {execution_id} is {_coloured(status, status)}.", flush=True)
                return 0 if status == "COMPLETED" else 1
            await asyncio.sleep(_PAUSE_SECONDS)


def _running(folder: Path) -> str:
    try:
        lines = (folder / "stack.env").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise LocalError("No stack runs here: start one by `make serve`, or give --url") from None
    return dict(line.split("=", 1) for line in lines)["API_URL"]


async def _events(
    session: aiohttp.ClientSession, api: str, shown: set[str]
) -> AsyncIterator[dict[str, Any]]:
    """Yield the events that were not shown before, and note them down."""
    after = max(0, max(map(int, shown), default=0) - _LATE_BY_IDS)
    while True:
        page = await _get(session, f"{api}/events?after={after}")
        for event in page["events"]:
            if event["event_id"] not in shown:
                shown.add(event["event_id"])
                yield event
        if page["events_next"] is None:
            return
        after = int(page["events_next"])


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    try:
        async with session.get(url) as answer:
            body = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise LocalError(f"The API does not answer: {error}") from None
    if answer.status != 200:
        raise LocalError(body.get("error", f"The API answers {answer.status}"))
    return body


def _line(event: dict[str, Any]) -> str:
    status = event["status"] or ""
    time = event["created_at"][11:23]
    line = f"{time}  {event['event_type']:<24} {event['node_name'] or '':<24} {status}"
    line = _coloured(line.rstrip(), status)
    return f"{line}\n{'':14}{event['error']}" if event["error"] else line


def _coloured(text: str, status: str) -> str:
    colour = _COLOURS.get(status.upper())
    if colour is None or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"
