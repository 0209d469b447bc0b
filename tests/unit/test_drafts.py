"""What a start makes ahead, while the store is asked, is what it would have made after."""

from __future__ import annotations

import time

import pytest

from control_plane import drafts
from control_plane.command import engine, templating
from control_plane.errors import PlaybookNotFound, TemplateError
from tests.unit.control_plane import PATH, ControlPlane

TEXTS = {
    "plain": "print(1)",
    "of the workload": "{{ workload.name }}, {{ ctx.name }}, {{ name }}",
    "of the entry": "{{ catalog_id }}",
    "of the execution": "{{ execution_id }}",
    "in a long loop": "{% for one in range(3000) %}{{ name }}{% endfor %}",
    "in a process of its own": "{{ [name] * 3 }}",
}


def running(text: str) -> str:
    return (
        "apiVersion: noetl.io/v2\nkind: Playbook\nmetadata: {name: x}\nworkload: {name: Ada}\n"
        f"workflow:\n- step: start\n  tool: {{kind: python, code: '{text}'}}\n"
    )


def start(plane: ControlPlane, **payload: object) -> None:
    plane.start(key=f"start {plane.store.round_trips}", payload=payload)


def codes(plane: ControlPlane) -> list[str]:
    ids = [str(start.ids.execution_id) for start in plane.starts]
    texts = [str(start.tool_config.value["code"]) for start in plane.starts]
    return [text.replace(id_, "its own id") for text, id_ in zip(texts, ids, strict=True)]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_made_ahead_is_what_would_be_made(text):
    plane = ControlPlane(running(text))
    for _ in range(3):  # at the first one the playbook is not yet held
        start(plane, name="Bob")
    assert len(set(codes(plane))) == 1
    assert "Ada" not in codes(plane)[0]


@pytest.mark.parametrize("name", ["plain", "of the workload", "of the entry"])
def test_nothing_is_left_to_do_when_the_store_has_answered(monkeypatch, name):
    plane = ControlPlane(running(TEXTS[name]))
    start(plane)
    monkeypatch.setattr(drafts, "build_command", None)
    start(plane)
    assert len(plane.starts) == 2


def test_long_work_is_not_done_twice(monkeypatch):
    plane = ControlPlane(running(TEXTS["in a process of its own"]))
    forks = []
    run = engine.run_isolated
    monkeypatch.setattr(engine, "run_isolated", lambda *job: forks.append(1) or run(*job))
    for _ in range(3):
        start(plane)
    assert len(forks) == 3


def test_a_draft_of_a_former_version_is_not_used():
    plane = ControlPlane(running("former"))
    start(plane)
    plane.backend.add_entry(PATH, 2, running("latter"), None)
    start(plane)
    assert codes(plane) == ["former", "latter"]


def test_what_is_wrong_is_found_once_however_often_the_store_is_asked(monkeypatch):
    plane = ControlPlane(running("{{ 1 // number }}"))
    start(plane, number=1)
    render, sources = templating._ENGINE.render, []
    monkeypatch.setattr(
        templating._ENGINE,
        "render",
        lambda text, *rest: sources.append(text) or render(text, *rest),
    )
    resolve = plane.store.resolve

    def resolve_twice(key, reference, held, meanwhile):
        resolve("another key", reference, held, meanwhile)
        return resolve(key, reference, held, meanwhile)

    monkeypatch.setattr(plane.store, "resolve", resolve_twice)
    with pytest.raises(TemplateError):
        start(plane, number=0)
    assert len(sources) == 1


def test_a_defect_ahead_is_no_answer_to_a_known_key(monkeypatch):
    plane = ControlPlane(running("plain"))
    first = plane.start(key="k", payload={})
    monkeypatch.setattr(drafts, "draft_command", None)
    assert plane.start(key="k", payload={}).answer == first.answer


def test_the_time_of_a_draft_counts_as_building(monkeypatch):
    plane = ControlPlane(running("{{ name }}"))
    start(plane)
    draft = drafts.draft_command
    monkeypatch.setattr(drafts, "draft_command", lambda *all_: time.sleep(0.05) or draft(*all_))
    start(plane)
    phases = plane.observer.phases[-1]
    assert phases.build >= 0.05 > phases.resolve


def test_what_is_wrong_ahead_is_told_only_when_it_comes_to_it():
    plane = ControlPlane(running("{{ 1 // number }}"))
    start(plane, number=1)
    with pytest.raises(TemplateError):
        start(plane, number=0)
    plane.backend.database.catalog.clear()
    with pytest.raises(PlaybookNotFound):
        start(plane, number=0)
    assert len(plane.starts) == 1
