"""How a start's time changes with what the database holds, and with the playbook; it should not.

Each size has a database of its own, and every round visits all of them in another order. A round
gives one slope for each thing that grows; the rounds together an interval for the slope.
"""

from __future__ import annotations

import contextlib
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.figures import Interval, decades, percentile, theil_sen
from bench.fill import ENTRIES, STEPS, make_empty, make_filled
from bench.floor import Floor
from bench.handler import Handler
from bench.servers import Servers, payload
from bench.turns import SIDES, take_turns
from control_plane.json_text import Json

SIZES = {
    "catalog entries": (ENTRIES, 1_000, 10_000, 100_000),
    "events": (0, 10_000, 100_000, 500_000),
    "idempotency keys": (0, 10_000, 100_000),
    "waiting notifications": (0, 1_000, 10_000),
}
"""What grows, and to which sizes; the first one is what the empty database has."""
FULL_SIZES = SIZES | {
    "events": (0, 10_000, 100_000, 1_000_000, 5_000_000),
    "idempotency keys": (0, 10_000, 100_000, 1_000_000),
}
ROUNDS = 15
TURNS = 15
FIRST_TURNS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where starts are measured: so many of something are there."""

    what: str
    size: int
    handler: Handler
    floor: Floor
    path: str = "bench/steps-3"


Medians = dict[str, float]
"""Microseconds of both sides in one visit."""


def growth(
    servers: Servers, sizes: dict[str, tuple[int, ...]] | None = None, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Return the medians at each size, the slopes, and what the first start of a playbook costs.

    :param sizes: by default `SIZES`
    """
    given = payload(100)
    text = Json(given).text
    visits: dict[tuple[str, int], list[Medians]] = {}
    with contextlib.ExitStack() as stack:
        empty_url = make_empty(servers)
        places = _places(stack, servers, empty_url, sizes or SIZES)
        owner = stack.enter_context(psycopg.connect(servers.owner_url, autocommit=True))
        shuffle = random.Random(1).shuffle  # noqa: S311
        order = list(places)
        for _ in range(rounds):
            owner.execute("CHECKPOINT")  # of all databases; or one falls into somebody's turn
            shuffle(order)
            for place in order:
                place.handler.body(place.path, given)
                medians = _visit(place, text, TURNS)
                visits.setdefault((place.what, place.size), []).append(medians)
        first = _first_starts(servers, empty_url, text)
    return {
        "points": [_point(what, size, each) for (what, size), each in sorted(visits.items())],
        "slopes": [
            slopes(what, _of(what, visits)) for what in dict.fromkeys(p.what for p in places)
        ],
        "first_starts": first,
    }


def _places(
    stack: contextlib.ExitStack, servers: Servers, empty_url: str, sizes: dict[str, tuple[int, ...]]
) -> list[Place]:
    urls = {
        (what, size): make_filled(servers, what, size)
        for what, each in sizes.items()
        for size in each[1:]
    }
    sides = {url: _connect(stack, url, servers.nats_url) for url in (empty_url, *urls.values())}
    return [
        Place(what, size, *sides[urls.get((what, size), empty_url)])
        for what, each in sizes.items()
        for size in each
    ] + [Place("steps", steps, *sides[empty_url], f"bench/steps-{steps}") for steps in STEPS]


def _connect(stack: contextlib.ExitStack, *urls: str) -> tuple[Handler, Floor]:
    handler, floor = Handler(*urls), Floor(*urls)
    stack.callback(handler.close)
    stack.callback(floor.close)
    return handler, floor


def _visit(place: Place, text: str, turns: int) -> Medians:
    taken = take_turns(
        place.handler.start, lambda: place.floor.start(place.path, text), turns, warm_up=3
    )
    return {side: percentile(times, 50) / 1000 for side, times in taken.times.items()}


def _first_starts(servers: Servers, url: str, text: str) -> list[dict[str, Any]]:
    """Measure starts of playbooks that are not kept: sent, parsed and validated each time."""
    with contextlib.ExitStack() as stack:
        handler = Handler(url, servers.nats_url, PLAYBOOK_CACHE_BYTES="0")
        floor = Floor(url, servers.nats_url)
        stack.callback(handler.close)
        stack.callback(floor.close)
        figures = []
        for steps in STEPS:
            place = Place("steps", steps, handler, floor, f"bench/steps-{steps}")
            handler.body(place.path, payload(100))
            figures.append({"steps": steps, **_visit(place, text, FIRST_TURNS)})
        return figures


def _of(what: str, visits: dict[tuple[str, int], list[Medians]]) -> dict[int, list[Medians]]:
    return {size: each for (named, size), each in visits.items() if named == what}


def _point(what: str, size: int, visits: Sequence[Medians]) -> dict[str, Any]:
    medians = {side: statistics.median(one[side] for one in visits) for side in SIDES}
    ratio = statistics.median(one["ours"] / one["floor"] for one in visits)
    return {"what": what, "size": size, **medians, "ratio": ratio}


def slopes(what: str, visits: dict[int, list[Medians]]) -> dict[str, Any]:
    """Return by how many percent a start gets slower with each tenfold size, with an interval.

    Of ours, of the floor, and of the ratio of both; one slope per round, through its sizes.

    :param visits: by size, in the order of the rounds
    """
    rounds = len(next(iter(visits.values())))
    figures: dict[str, Any] = {"what": what, "rounds": rounds}
    for name in (*SIDES, "ratio"):
        series = {size: [_value(one, name) for one in each] for size, each in visits.items()}
        level = statistics.median(value for each in series.values() for value in each)
        found = [
            theil_sen((decades(size), each[number]) for size, each in sorted(series.items()))
            for number in range(rounds)
        ]
        figures[name] = Interval.of(found).scaled(100 / level)
    return figures


def _value(visit: Medians, name: str) -> float:
    return visit["ours"] / visit["floor"] if name == "ratio" else visit[name]
