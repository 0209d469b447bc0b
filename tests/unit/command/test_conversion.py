"""From text to value: a row for each thing that a text may spell."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.command.conversion import parse_json, text_to_value
from control_plane.errors import LimitExceeded

DEPTH = 64


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        (" true\n", True),
        ("false", False),
        ("False", False),
        ("", None),
        ("  \t", None),
        ("null", None),
        ("None", None),
        (" None ", None),
    ],
)
def test_words_become_booleans_and_null(text, value):
    assert text_to_value(text, DEPTH) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("42", 42),
        ("-42", -42),
        ("+42", 42),
        (" 42 ", 42),
        ("\u00a042\u3000", 42),
        ("007", 7),
        ("-0", 0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_integers_within_64_bits_become_integers(text, value):
    converted = text_to_value(text, DEPTH)
    assert (type(converted), converted) == (int, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-1.5", -1.5),
        ("+1.5", 1.5),
        (".5", 0.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("1e+3", 1000.0),
        ("1e-3", 0.001),
        (".5e1", 5.0),
        ("5.e1", 50.0),
        ("1e308", 1e308),
        ("1e-400", 0.0),
        ("9223372036854775808", 9.223372036854775808e18),
        ("1" * 40, float("1" * 40)),
    ],
)
def test_finite_floats_as_rust_parses_them_become_floats(text, value):
    converted = text_to_value(text, DEPTH)
    assert (type(converted), converted) == (float, value)


@pytest.mark.parametrize(
    "text",
    [
        "TRUE", "yes", "on", "NULL", "none", "nil", "~", "undefined",
        "inf", "-inf", "Infinity", "nan", "NaN", "1e400", "-1e400", "9" * 400,
        "1_000", "1,000", "0x10", "1e", "e5", ".", "+", "-", "+-1", "1.2.3", "1 2", "1e1.5", "٣",
        "\x1c42", "hello", " padded ", "2026-01-01", "12:30",
        "{not json}", "[draft]", "{'a': 1}", "[1, 2", '{"a": NaN}', "[1e400]", "{}{}", "[1],",
        '"quoted"',
    ],
)  # fmt: skip
def test_everything_else_stays_text_with_its_spaces(text):
    assert text_to_value(text, DEPTH) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ("[]", []),
        (' {"a": [1, 2.5, null, true, "x"]} ', {"a": [1, 2.5, None, True, "x"]}),
        ("[18446744073709551615]", [2**64 - 1]),
        ("[18446744073709551616]", [1.8446744073709552e19]),
        ("[-9223372036854775809]", [-9.223372036854775808e18]),
        ('["\\u00e9"]', ["é"]),
        ('{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_json_objects_and_lists_are_parsed(text, value):
    assert text_to_value(text, DEPTH) == value


def test_an_integer_of_many_digits_inside_json_is_no_json():
    assert text_to_value(f"[{'9' * 5000}]", DEPTH) == f"[{'9' * 5000}]"


@pytest.mark.parametrize("depth", [DEPTH + 1, 5_000, 200_000])
def test_json_that_is_nested_too_deep_is_over_a_limit(depth):
    with pytest.raises(LimitExceeded, match="the limit is 64"):
        text_to_value("[" * depth + "]" * depth, DEPTH)


def test_json_may_be_as_deep_as_the_limit_and_wider():
    deepest = "[" * DEPTH + "]" * DEPTH
    assert json.dumps(text_to_value(deepest, DEPTH)) == deepest
    assert text_to_value("[" + "[]," * 100 + "[]]", 2) == [[]] * 101


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(json_values, max_size=4) | st.dictionaries(st.text(), json_values, max_size=4))
def test_objects_and_lists_survive_the_way_through_text(value):
    assert text_to_value(json.dumps(value), DEPTH) == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_survive_the_way_through_text(value):
    assert text_to_value(str(value), DEPTH) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive_the_way_through_text(value):
    converted = text_to_value(repr(value), DEPTH)
    assert converted == value
    assert math.copysign(1, converted) == math.copysign(1, value)


@given(st.text() | st.text(alphabet='0123456789+-.eE_{}[]" \ttrufalsn'))
def test_any_text_becomes_a_value_or_stays_what_it_is(text):
    value = text_to_value(text, DEPTH)
    assert not isinstance(value, str) or value == text


@given(st.text())
def test_parsing_json_fails_with_a_value_error_alone(text):
    try:
        parse_json(text, DEPTH)
    except ValueError:
        return
    json.loads(text)


@pytest.mark.parametrize("text", ["1" * 1_000_000 + "x", "." + "1" * 1_000_000 + "e"])
def test_a_long_text_of_digits_is_read_in_linear_time(text):
    # In quadratic time, this would outlast the timeout of every test.
    assert text_to_value(text, DEPTH) == text
