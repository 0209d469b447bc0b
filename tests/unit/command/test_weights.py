"""How much memory kept playbooks take: what the README says of `PLAYBOOK_CACHE_BYTES`."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest

from control_plane.command.builder import build_command
from control_plane.command.compiled import CompiledStep
from control_plane.errors import RequestError
from control_plane.json_text import Json
from control_plane.playbook.loader import load
from control_plane.playbook.model import Playbook
from tests.unit.command.commands import LIMITS

PLAYBOOKS = sorted((Path(__file__).parents[3] / "playbooks").glob("*.yaml"))
HEAD = "apiVersion: noetl.io/v2\nkind: Playbook\nmetadata: {name: t, path: a/t}\nworkflow:\n"
ONE_STEP = HEAD + "- step: start\n  tool:\n    kind: http\n    body:\n"
STEP = "- {step: sNO, tool: {kind: http}}\n"
BUSY_STEP = "- {step: sNO, args: {a: 1}, tool: {kind: http, url: '{{a}}', params: {'{{b}}': 1}}}\n"
SHAPES = {
    "steps": (HEAD + STEP.replace("sNO", "start"), STEP),
    "steps with templates": (HEAD + STEP.replace("sNO", "start"), BUSY_STEP),
    "values": (ONE_STEP, "    - '{{ a }} NO of some length'\n"),
    "names": (ONE_STEP, "      '{{ a }} NO of some length': 1\n"),
    "objects": (ONE_STEP, "    - '{{ a }} NO that is longer than others': 1\n"),
    "one name": (ONE_STEP + "      '{{ a }}': 1\n", "      nNO: a text of some length\n"),
}


def compile_steps(playbook: Playbook) -> None:
    for step in playbook.steps:
        try:
            build_command(playbook, step, Json({"a": 1, "b": 2}), 1, 2, LIMITS)
        except RequestError:
            continue  # a loop, which no execution starts with, or a template that asks for more


def taken(text: str) -> tuple[int, int, list[CompiledStep]]:
    """Return the bytes that a playbook takes, and those that its steps take beside.

    The least of three looks: threads and caches of the tests before take some meanwhile.
    """
    compile_steps(load(text, LIMITS))  # fills what the engine keeps for all playbooks
    looks = [_looked_at(text) for _ in range(3)]
    steps = list(looks[0][0].made.values())
    return min(parsed for _, parsed, _ in looks), min(beside for *_, beside in looks), steps


def _looked_at(text: str) -> tuple[Playbook, int, int]:
    gc.collect()
    tracemalloc.start()
    try:
        playbook = load(text, LIMITS)
        gc.collect()
        parsed = tracemalloc.get_traced_memory()[0]
        compile_steps(playbook)
        gc.collect()
        both = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    return playbook, parsed, both - parsed


@pytest.mark.parametrize("shape", SHAPES)
def test_what_steps_weigh_is_about_what_they_take(shape):
    head, line = SHAPES[shape]
    text = head + "".join(line.replace("NO", f"{number:03}") for number in range(300))

    parsed, beside, kept = taken(text)

    assert 0.6 < beside / sum(one.weight for one in kept) < 1.1
    assert parsed + beside < 25 * len(text)


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_usual_playbooks_take_less_than_six_times_their_text(path):
    text = path.read_text()

    parsed, beside, _ = taken(text)

    assert parsed + beside < 6 * len(text)


def test_nothing_but_tiny_objects_takes_about_fifty_times_its_text():
    text = f"{ONE_STEP}      [{'{a},' * 5000}]\n"

    parsed, beside, _ = taken(text)

    assert 45 < (parsed + beside) / len(text) < 52
