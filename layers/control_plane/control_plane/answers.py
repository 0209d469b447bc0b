"""What batches are answered, how times and ids are written, and how large an answer may be."""

# No `from __future__ import annotations`: making a typed dictionary parses each such text.

import json
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate
from typing import Any, TypeVar

from typing_extensions import TypedDict  # pydantic reads the standard one from 3.12 on only

ANSWER_BYTES = 4 * 1024 * 1024
"""The most that a page may hold. Lambda takes no answer above 6 MB, written as JSON twice."""

Item = TypeVar("Item")


class BatchItemAnswer(TypedDict):
    """What became of one request; ``status`` is ``started``, ``duplicate`` or ``error``."""

    index: int
    status: str
    execution_id: str | None
    commands_generated: int
    error: str | None


class ExecuteBatchAnswer(TypedDict):
    """What became of all requests."""

    count: int
    started: int
    duplicates: int
    failed: int
    results: list[BatchItemAnswer]


def written_time(time: datetime) -> str:
    """Write a UTC time by RFC 3339: ``2026-10-28T06:00:30.123456Z``."""
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def written_id(number: int | None) -> str | None:
    """Write an id as text, since a browser loses precision above 2^53."""
    return None if number is None else str(number)


def answer_size(value: Any) -> int:
    """Return the bytes of a JSON value inside Lambda's answer, where JSON text is a JSON string."""
    text = json.dumps(value)
    return len(text) + text.count('"') + text.count("\\")


def fitting(items: Iterable[Item], most: int = ANSWER_BYTES) -> list[Item]:
    """Return the items up to this size together, at least the first."""
    given = list(items)
    sizes = accumulate(map(answer_size, given))
    fit = sum(1 for size in sizes if size <= most)
    return given[: max(fit, 1)]
