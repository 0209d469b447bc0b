"""Reading text: what is taken, and where each refusal points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.errors import (
    InvalidPlaybook,
    PlaybookSyntaxError,
    RequestError,
    UnstorableValue,
)
from control_plane.limits import Limits
from control_plane.playbook.yaml_core import read_yaml

NOT_A_KEY = (
    "a key must be a scalar, not a list or an object; a template needs quotes around its braces"
)


def read(text: str) -> object:
    return read_yaml(text, Limits())


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, y]\n",
        "\ufeffa: 1\nb: [x, y]\n",
        "a: 1\r\nb: [x, y]\r\n",
        "a: 1\rb: [x, y]\r",
        "--- # one\na: 1\nb:\n- x\n- y\n...\n",
        "%YAML 1.2\n---\na: 1\nb: [x,\ty]",
        "a:\t1\nb: [x, y]\t# a tab may separate\n",
        '{"a": 1, "b": ["x", "y"]}',
        "a: 1\n? b\n: - x\n  - y\n",
    ],
    ids=["plain", "bom", "crlf", "cr", "marks", "directive", "tabs", "json", "explicit key"],
)
def test_one_document_may_be_written_in_many_ways(text):
    assert read(text) == {"a": 1, "b": ["x", "y"]}


def test_aliases_repeat_what_they_stand_for():
    text = "a: &list [1, &text two]\nb: *list\nc: {*text : *text}\n"
    assert read(text) == {"a": [1, "two"], "b": [1, "two"], "c": {"two": "two"}}


def test_an_anchor_may_be_set_again_and_the_last_one_before_the_alias_counts():
    assert read("[&a 1, *a, &a 2, *a]") == [1, 1, 2, 2]
    assert read("[&a [&a x], *a]") == [["x"], "x"]


@pytest.mark.parametrize(
    ("text", "what", "line", "column"),
    [
        ("a: 1\na: 2\n", "duplicate key 'a'", 2, 1),
        ("a: {x: 1, y: 2, x: 3}\n", "duplicate key 'x'", 1, 17),
        ("1: a\n'1': b\n", "duplicate key '1'", 2, 1),
        ("&k a: 1\n*k : 2\n", "duplicate key 'a'", 2, 1),
        ("a: !!str 1\n", "a tag is not part of the language", 1, 4),
        ("a: !custom {b: 1}\n", "a tag is not part of the language", 1, 4),
        ("a: !!set {b, c}\n", "a tag is not part of the language", 1, 4),
        ("a: !!binary aGk=\n", "a tag is not part of the language", 1, 4),
        ("a:\n  - ! 12\n", "a tag is not part of the language", 2, 5),
        ("a: &x ! 12\n", "a tag is not part of the language", 1, 4),
        ("a: ! '12'\n", "a tag is not part of the language", 1, 4),
        ("a: !", "a tag is not part of the language", 1, 4),
        ("%TAG !e! tag:e,2000:\n---\na: 1\n", "a tag is not part of the language", 1, 1),
        ("a: 1\n...\n%TAG ! x\n---\nb: 1", "a tag is not part of the language", 3, 1),
        ("a: 1\n---\nb: 2\n", "there is more than one document", 2, 1),
        ("a: 1\n---\n", "there is more than one document", 2, 1),
        ("? [a, b]\n: 1\n", NOT_A_KEY, 1, 3),
        ("a: {{ b }}\n", NOT_A_KEY, 1, 5),
        ("a: &a [1]\n*a : 2\n", NOT_A_KEY, 2, 1),
        ("a: &a [1, *a]\n", "an alias stands inside what it stands for", 1, 11),
        ("a: &a\n  b:\n    c: *a\n", "an alias stands inside what it stands for", 3, 8),
        ("", "it is empty", 1, 1),
        ("# nothing\n\n", "it is empty", 3, 1),
    ],
)
def test_yaml_that_is_no_json_is_refused_with_line_and_column(text, what, line, column):
    with pytest.raises(InvalidPlaybook) as caught:
        read(text)
    place = f"line {line}, column {column}"
    assert caught.value.message == f"Playbook is not valid: {what} ({place})"
    assert [(fault.where, fault.what) for fault in caught.value.faults] == [(place, what)]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1, 2\n", 2, 1),
        ("a: 1\n b: 2\n", 2, 3),
        ("a: 'open\n", 2, 1),
        ("a:\n\tb: 1\n", 2, 1),
        ("a: *nothing\n", 1, 4),
        ("a: *b\nb: &b 1\n", 1, 4),
        ("a: @x\n", 1, 4),
        ("a: !u!x 1\n", 1, 4),
        ('a: "\\q"\n', 1, 5),
        ("ok: 1\nbell: \x07\n", 2, 7),
        ("ok: 1\r\nbell: é\x9f\n", 2, 8),
        ("{", 2, 1),
        ("&", 1, 2),
        ("%", 1, 2),
    ],
)
def test_what_is_not_yaml_is_refused_with_line_and_column(text, line, column):
    with pytest.raises(PlaybookSyntaxError) as caught:
        read(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"(line {line}, column {column})" in caught.value.message


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: x\0y\n", "line 2, column 5: a NUL character cannot be stored"),
        ('a: "x\\0y"\n', "line 1, column 4: a NUL character cannot be stored"),
        ('"\\x00": 1\n', "line 1, column 1: a NUL character cannot be stored"),
        ("a:\n- \ud800\n", "line 2, column 3: a lone surrogate cannot be stored"),
        ('a: "\\ud800"', "line 1, column 7: an escape that is no character cannot be stored"),
        ('a: "\\U7fffffff"', "line 1, column 7: an escape that is no character cannot be stored"),
        ("&i .inf : 1\nb: *i", "line 2, column 4: a number that is not finite cannot be stored"),
    ],
)
def test_what_postgres_cannot_hold_is_refused_with_its_place(text, fault):
    with pytest.raises(UnstorableValue) as caught:
        read(text)
    assert caught.value.message == fault


def test_an_error_does_not_repeat_values():
    for text in ("k: 'secret", "k: [secret\n}", "k: secret: secret", "k: !secret 1"):
        with pytest.raises(RequestError) as caught:
            read(text)
        assert "secret" not in caught.value.message


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        read(text)
    except RequestError as error:
        assert error.message


@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@ \t\n\r#ab1.~\\<=", max_size=40))
def test_any_punctuation_is_read_or_refused(text):
    try:
        read(text)
    except RequestError as error:
        assert error.message
