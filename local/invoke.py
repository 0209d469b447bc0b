"""Invoke a function of the running stack, as ``aws lambda invoke`` would."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from local.errors import LocalError


def invoke(function: str, event: Path | None, folder: Path) -> int:
    """Send the event, print what comes back; return 1 when the function failed.

    :raises LocalError: no stack runs, it has no such function, or the event is no JSON
    """
    text = read_event(event)
    answer = post(f"{api_url(folder)}/2015-03-31/functions/{function}/invocations", text)
    if answer.status_code != 200:
        raise LocalError(answer.json()["message"])
    print(json.dumps(answer.json(), indent=2, ensure_ascii=False))
    return 1 if "x-amz-function-error" in answer.headers else 0


def read_event(event: Path | None) -> str:
    """Read JSON from a file, or from standard input.

    :raises LocalError: there is none
    """
    name = "standard input" if event in (None, Path("-")) else str(event)
    try:
        text = sys.stdin.read() if event in (None, Path("-")) else event.read_text("utf-8")
        json.loads(text)
    except OSError as error:
        raise LocalError(f"cannot read {name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise LocalError(f"{name} holds no JSON: {error}") from error
    return text


def api_url(folder: Path) -> str:
    """Return the address of the stack that runs in the folder.

    :raises LocalError: none does
    """
    try:
        lines = (folder / "stack.env").read_text("ascii").splitlines()
    except FileNotFoundError:
        raise LocalError("no stack is running; start one with: make serve") from None
    return dict(line.split("=", 1) for line in lines)["API_URL"]


def post(url: str, text: str) -> httpx.Response:
    """Send an event to a function.

    :raises LocalError: the stack does not answer
    """
    # A function may take fifteen minutes on AWS.
    return _ask("POST", url, content=text.encode(), timeout=900)


def get(url: str, query: Mapping[str, str]) -> httpx.Response:
    """Ask the API for something.

    :raises LocalError: the stack does not answer, or with an error
    """
    answer = _ask("GET", url, params=query)
    if answer.is_error:
        raise LocalError(f"the API answers {answer.status_code}: {answer.text}")
    return answer


def _ask(method: str, url: str, **request: Any) -> httpx.Response:
    try:
        # No proxy of the environment's: the stack is on this machine.
        return httpx.request(method, url, trust_env=False, **request)
    except httpx.TransportError:
        raise LocalError("the stack does not answer; start it with: make serve") from None
