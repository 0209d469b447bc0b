"""Whatever stands anywhere in a playbook: it loads, or the refusal says what is wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.errors import RequestError
from control_plane.limits import Limits
from control_plane.playbook.loader import load, parse_document
from control_plane.playbook.warnings import find_warnings
from control_plane.playbook.yaml_core import read_yaml
from tests.unit.playbook.documents import WEATHER

SOUND = parse_document(WEATHER, Limits())
WORDS = st.sampled_from(
    [
        "",
        " ",
        "start",
        "end",
        "each",
        "kind",
        "name",
        "step",
        "do",
        "else",
        "cursor",
        "{",
        "{{ x }}",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, inner in pairs for place in places(inner, (*path, key)))]


PLACES = [path for path in places(SOUND) if path]


def replaced(path: tuple[Any, ...], value: Any) -> Any:
    document = copy.deepcopy(SOUND)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return document


@settings(max_examples=600)
@given(st.sampled_from(PLACES), VALUES)
def test_any_value_anywhere_is_loaded_or_refused(path, value):
    try:
        playbook = load(replaced(path, value), Limits())
    except RequestError as error:
        assert error.message
        assert len(error.message) < 500
    else:
        find_warnings(playbook, lambda text: None)


@settings(max_examples=200)
@given(st.sampled_from(PLACES), st.data())
def test_a_playbook_with_a_part_missing_is_loaded_or_refused(path, data):
    document = replaced(path, None)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    try:
        load(document, Limits())
    except RequestError as error:
        assert error.message


@given(VALUES)
def test_any_json_value_is_a_playbook_or_refused(value):
    try:
        load({"workflow": value} if not isinstance(value, dict) else value, Limits())
    except RequestError as error:
        assert error.message


STORABLE_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff")
)
STORABLE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | STORABLE_TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORABLE_TEXT, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(STORABLE_TEXT, STORABLE, max_size=4))
def test_json_text_is_read_as_the_json_it_is(value):
    assert read_yaml(json.dumps(value, ensure_ascii=False), Limits()) == value


@given(st.dictionaries(STORABLE_TEXT, st.lists(STORABLE_TEXT, max_size=3), max_size=3))
@pytest.mark.parametrize("style", ['"', "'"])
def test_text_that_a_yaml_writer_quotes_is_read_back(style, value):
    text = yaml.dump(value, Dumper=yaml.CSafeDumper, allow_unicode=True, default_style=style)
    assert read_yaml(text, Limits()) == value
