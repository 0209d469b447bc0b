"""Limits: counted before anything is built, aliases as what they stand for."""

from __future__ import annotations

import tracemalloc

import pytest

from control_plane.errors import LimitExceeded, RequestError
from control_plane.limits import MIB, Limits
from control_plane.playbook.loader import load
from control_plane.playbook.yaml_core import read_yaml
from tests.unit.playbook.documents import document, step


def bomb() -> str:
    """Build 9^9 values from some 300 bytes."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for name, before in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


HOSTILE = {
    "brackets": "[" * MIB,
    "braces": "{" * MIB,
    "nested objects": "{a: " * (MIB // 4),
    "dashes": "- " * (MIB // 2),
    "question marks": "? " * (MIB // 2),
    "indentation": "\n".join(" " * depth + "a:" for depth in range(1_400)),
    "aliases": bomb(),
    "text aliases": f"a: &a {'x' * 1000}\nb: [{'*a,' * 90_000}]",
    "key aliases": f"&a {'x' * 900}: 1\nb: [{'{*a : 1},' * 40_000}]",
    "directives": "".join(f"%TAG !a{number}! x\n" for number in range(60_000)),
    "values": "- a\n" * (MIB // 4),
    "pairs": f"[{'a: b,' * 200_000}]",
    "commas": "," * MIB,
    "anchors": "&" * MIB,
    "stars": "*" * MIB,
    "tags": "!" * MIB,
    "documents": "---\n" * (MIB // 4),
    "open quote": '"' + "a" * (MIB - 1),
    "NUL at the end": "\n" * (MIB - 1) + "\0",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_refused_in_little_memory(text):
    tracemalloc.start()
    try:
        with pytest.raises(RequestError):
            read_yaml(text, Limits())
        assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    finally:
        tracemalloc.stop()


def test_bytes_are_counted_in_utf_8():
    limits = Limits(document_bytes=10)
    assert read_yaml("a: 'éé'\n", limits) == {"a": "éé"}
    with pytest.raises(LimitExceeded) as caught:
        read_yaml("a: 'ééé'\n", limits)
    assert caught.value.message == "playbook in bytes: the limit is 10, found 12"


@pytest.mark.parametrize(
    "text", ["[[[1]]]", "a:\n  b:\n    c: 1\n", "- &a [[1]]\n- *a\n", "a: [{}, {b: 1}]"]
)
def test_nesting_up_to_the_limit_is_taken(text):
    read_yaml(text, Limits(depth=3))
    with pytest.raises(LimitExceeded, match="nesting of the playbook: the limit is 2, found more"):
        read_yaml(text, Limits(depth=2))


def test_nesting_is_counted_after_alias_expansion():
    text = "- &a [[x]]\n- [*a]\n"
    assert read_yaml(text, Limits(depth=4)) == [[["x"]], [[["x"]]]]
    with pytest.raises(LimitExceeded, match="nesting"):
        read_yaml(text, Limits(depth=3))


@pytest.mark.parametrize(
    ("text", "values"), [("[1, 2]", 3), ("{a: 1, b: [2]}", 4), ("- &a [1, 2]\n- *a\n- *a\n", 10)]
)
def test_values_are_counted_after_alias_expansion(text, values):
    read_yaml(text, Limits(nodes=values))
    with pytest.raises(LimitExceeded, match="values in the playbook"):
        read_yaml(text, Limits(nodes=values - 1))


def test_text_is_counted_after_alias_expansion():
    text = f"a: &a {'x' * 40}\nb: [*a, *a]\n"
    assert read_yaml(text, Limits(document_bytes=200))
    with pytest.raises(LimitExceeded, match="characters in the playbook with its aliases expanded"):
        read_yaml(text, Limits(document_bytes=100))


def test_a_document_of_the_allowed_size_is_read():
    text = "text: " + "x" * (MIB - 6)
    assert len(read_yaml(text, Limits())["text"]) == MIB - 6


def test_steps_are_counted_before_they_are_looked_at():
    with pytest.raises(LimitExceeded) as caught:
        load(document(*[0] * 2_001), Limits())
    assert caught.value.message == "steps of the workflow: the limit is 2000, found 2001"


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (Limits(document_bytes=300), "playbook in bytes"),
        (Limits(nodes=60), "values in the playbook"),
        (Limits(depth=3), "nesting of the playbook"),
    ],
)
def test_a_json_document_has_the_same_limits(limits, what):
    json_document = document(step(args={"list": [0] * 50, "deep": [[[["x" * 250]]]]}))
    assert load(json_document, Limits())
    with pytest.raises(LimitExceeded, match=what):
        load(json_document, limits)


@pytest.mark.parametrize("byte", [chr(code) for code in range(128)])
def test_a_document_of_one_byte_is_refused(byte):
    with pytest.raises(RequestError) as caught:
        load(byte, Limits())
    assert caught.value.message
