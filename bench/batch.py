"""Many starts in one call: a body of POST /api/execute/batch, and a batch of the queue."""

from __future__ import annotations

import contextlib
import copy
import json
import statistics
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.figures import percentile, spread
from bench.floor import Floor
from bench.handler import ROOT, Context, Handler, load_function
from bench.servers import Servers, payload
from bench.turns import SIDES, Turns, take_turns
from control_plane.json_text import Json

PATH, BYTES = "bench/steps-3", 100
RUNS = 5


@dataclass(frozen=True, slots=True)
class Case:
    """How many starts are in a call, and how many calls in each run."""

    name: str
    items: int
    calls: int


CASES = (
    Case("POST /api/execute", 1, 60),
    Case("POST /api/execute/batch", 10, 20),
    Case("POST /api/execute/batch", 100, 8),
    Case("POST /api/execute/batch", 1000, 3),
    Case("queue", 10, 20),
)


class Trigger:
    """Starts executions through a ``functions.trigger.app`` of its own, as the queue does."""

    def __init__(self, database_url: str, nats_url: str) -> None:
        self._app = load_function("trigger", database_url, nats_url)
        event = json.loads((ROOT / "events" / "sqs_batch.json").read_text())
        self._record = event["Records"][0]

    def start(self, path: str, given: Any, items: int) -> None:
        """Deliver so many messages at once.

        :raises RuntimeError: one of them is to be delivered again
        """
        self._record["body"] = json.dumps({"path": path, "payload": given})
        records = [copy.copy(self._record) for _ in range(items)]
        for record in records:
            record["messageId"] = str(uuid.uuid4())
        answer = self._app.lambda_handler({"Records": records}, Context())
        if answer["batchItemFailures"]:
            raise RuntimeError(answer)

    def close(self) -> None:
        """Close both connections."""
        starter = self._app.handler._dispatcher.starter.starter
        starter.notifier.close()
        starter.store._database.close()


class _Sides:
    """All that carries out the cases, on connections of its own each."""

    def __init__(self, stack: contextlib.ExitStack, servers: Servers) -> None:
        urls = servers.database_url, servers.nats_url
        self._handler, self._trigger, self._floor = Handler(*urls), Trigger(*urls), Floor(*urls)
        for one in (self._handler, self._trigger, self._floor):
            stack.callback(one.close)
        self._given = payload(BYTES)
        self._text = Json(self._given).text

    def ours(self, case: Case) -> Callable[[], object]:
        """Return what carries out one call of the case."""
        if case.name == "queue":
            return lambda: self._trigger.start(PATH, self._given, case.items)
        if case.items == 1:
            self._handler.body(PATH, self._given)
            return self._handler.start
        self._handler.batch(PATH, self._given, case.items)
        return lambda: _check(self._handler.start(), case.items)

    def floor(self, case: Case) -> Callable[[], object]:
        """Return what makes the same rows and messages as cheaply as can be."""
        if case.items == 1:
            return lambda: self._floor.start(PATH, self._text)
        return lambda: self._floor.start_many(PATH, self._text, case.items)


def batch(servers: Servers, runs: int = RUNS, share: float = 1.0) -> list[dict[str, Any]]:
    """Return the figures of each case, per call and per start.

    :param share: of the calls of each run, for a shorter look
    """
    samples: dict[Case, list[Turns]] = {case: [] for case in CASES}
    with contextlib.ExitStack() as stack:
        owner = stack.enter_context(psycopg.connect(servers.owner_url, autocommit=True))
        sides = _Sides(stack, servers)
        for _ in range(runs):
            for case in CASES:
                owner.execute("CHECKPOINT")  # or one falls into somebody's turn
                calls = max(2, round(case.calls * share))
                turns = take_turns(sides.ours(case), sides.floor(case), calls, warm_up=1)
                samples[case].append(turns)
    return [
        {"case": case.name, "items": case.items, "runs": runs, **summary(each, case.items)}
        for case, each in samples.items()
    ]


def _check(body: str, items: int) -> None:
    if json.loads(body)["started"] != items:
        raise RuntimeError(body)


def summary(runs: Sequence[Turns], items: int) -> dict[str, Any]:
    """Return medians of the runs.

    :param items: starts in each call
    """
    figures: dict[str, Any] = {}
    medians = {side: [percentile(one.times[side], 50) for one in runs] for side in SIDES}
    for side in SIDES:
        call = statistics.median(medians[side])
        calls = len(runs[0].times[side])
        figures[side] = {
            "ms": call / 1e6,
            "starts_per_second": items / call * 1e9,
            "cpu_us": statistics.median(one.cpu[side] / calls / items / 1000 for one in runs),
        }
    ratios = [ours / floor for ours, floor in zip(*medians.values(), strict=True)]
    return figures | {
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "floor_moved": spread(medians["floor"]),
    }
