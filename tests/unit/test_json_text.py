from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.errors import LimitExceeded, MalformedRequest, RequestError, UnstorableValue
from control_plane.json_text import Json, check_storable, check_value, read_json
from control_plane.limits import Limits

LIMITS = Limits()

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner),
)


@given(json_values)
def test_what_can_be_stored_is_read_as_json_reads_it(value):
    if "\\u0000" in json.dumps(value):
        return
    assert read_json(json.dumps(value).encode(), LIMITS) == value


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused_with_an_error_of_ours(body):
    try:
        read_json(body, LIMITS)
    except RequestError as error:
        assert error.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b'{"a": }', "line 1, column 7"),
        (b'{\n"a": 1\n:}', "line 3, column 1"),
        (b"{} {}", "Extra data (line 1, column 4)"),
        (b"\xff\xfe{}", "not UTF-8: invalid byte at offset 0"),
        (b'{"a": "\xc3("}', "not UTF-8: invalid byte at offset 7"),
        (b"\x1f\x8b\x08\x00\x00", "not UTF-8: invalid byte at offset 1"),
        (b'{"a": "\x00"}', "Invalid control character"),
        (b"'single'", "line 1, column 1"),
    ],
)
def test_what_is_no_json_is_refused_with_the_position(body, message):
    with pytest.raises(MalformedRequest) as caught:
        read_json(body, LIMITS)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (rb'{"a": {"b": ["x", "\u0000"]}}', "body.a.b[1]: a NUL character"),
        (rb'{"a\u0000b": 1}', "body: a key with a NUL character"),
        (rb'{"a": "\ud83d"}', "body.a: a lone surrogate"),
        (rb'{"\udead": 1}', "body: a key with a lone surrogate"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "Infinity is not a JSON number"),
        (b'{"a": 1e400}', "body.a: a number that is not finite"),
        (b'{"a": 18446744073709551616}', "body.a: an integer outside -2^63 to 2^64-1"),
        (b'{"a": -9223372036854775809}', "body.a: an integer outside -2^63 to 2^64-1"),
        (b'{"a": ' + b"9" * 5000 + b"}", "body: an integer outside -2^63 to 2^64-1"),
    ],
)
def test_what_postgres_cannot_store_is_refused_with_its_place(body, where):
    with pytest.raises(UnstorableValue) as caught:
        read_json(body, LIMITS)
    assert where in caught.value.message


@pytest.mark.parametrize(
    "body", [rb'{"a": "\ud83d\ude00"}', b"[18446744073709551615, -9223372036854775808, 1e308]"]
)
def test_the_edges_of_what_can_be_stored_are_taken(body):
    assert read_json(body, LIMITS) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'"' + b"x" * LIMITS.body_bytes + b'"', "request body in bytes"),
        (b"[" * 100_000, "nesting"),
        (b"[" * 65 + b"]" * 65, "nesting"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nesting"),
        (b"[" + b"0," * 100_000 + b"0]", "values"),
    ],
)
def test_what_is_over_a_limit_is_refused_with_the_limit(body, what):
    with pytest.raises(LimitExceeded) as caught:
        read_json(body, LIMITS)
    assert caught.value.message.startswith(what)
    assert str(caught.value.limit) in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 64 + b"]" * 64,
        b"[" + b"0," * 99_998 + b"0]",
        json.dumps(["[[[{{{,,," * 100] * 100).encode(),
        json.dumps(['\\"[' * 100] * 100).encode(),
    ],
)
def test_what_is_within_the_limits_is_taken(body):
    assert read_json(body, LIMITS) == json.loads(body)


def test_a_value_parsed_elsewhere_is_held_to_the_same_limits():
    check_value({"path": "a"}, LIMITS)
    deep: object = None
    for _ in range(66):
        deep = [deep]
    for value in (deep, [0] * 100_001, "x" * (LIMITS.body_bytes + 1)):
        with pytest.raises(LimitExceeded):
            check_value(value, LIMITS)
    with pytest.raises(UnstorableValue):
        check_value({"a": float("nan")}, LIMITS)


def test_a_long_key_is_shortened_in_the_error():
    with pytest.raises(UnstorableValue) as caught:
        check_storable({"k" * 5000: "\0"}, "body")
    assert len(caught.value.message) < 120


@given(json_values)
def test_equal_values_have_equal_texts_and_the_text_is_the_value(value):
    assert Json(value) == Json(json.loads(json.dumps(value)))
    assert json.loads(Json(value).text) == value
