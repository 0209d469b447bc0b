"""What a scalar means: one table, each row as the reference server reads it."""

from __future__ import annotations

import math

import pytest

from control_plane.errors import UnstorableValue
from control_plane.limits import Limits
from control_plane.playbook.yaml_core import read_yaml

TEXT = object()

ROWS = {
    # null
    "null": None, "Null": None, "NULL": None, "~": None, "": None, "nULL": TEXT, "none": TEXT,
    "None": TEXT,
    # booleans: the words of YAML 1.1 are text
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "tRUE": TEXT, "yes": TEXT, "Yes": TEXT, "no": TEXT, "NO": TEXT, "on": TEXT, "off": TEXT,
    "y": TEXT, "n": TEXT,
    # integers
    "0": 0, "7": 7, "-7": -7, "+7": 7, "-0": 0, "+0": 0, "1234567890": 1234567890,
    "0x1F": 31, "0xfF": 255, "-0x10": -16, "+0x10": 16, "0o17": 15, "-0o7": -7, "0b101": 5,
    "-0b11": -3,
    "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63),
    "18446744073709551615": 2**64 - 1, "0xffffffffffffffff": 2**64 - 1,
    # beyond 64 bits
    "18446744073709551616": 18446744073709551616.0, "-9223372036854775809": -9223372036854775809.0,
    "0x10000000000000000": 18446744073709551616.0, "1" + "0" * 300: 1e300,
    "1" + "0" * 400: TEXT, "0x" + "f" * 400: TEXT, "9" * 5000: TEXT,
    # what only looks like an integer
    "007": TEXT, "-07": TEXT, "+00": TEXT, "00": TEXT, "08": TEXT, "1_000": TEXT, "0x": TEXT,
    "0xg": TEXT, "0X1F": TEXT, "0o8": TEXT, "0b2": TEXT, "0B1": TEXT, "+-1": TEXT, "--1": TEXT,
    "1 000": TEXT, "1,000": TEXT, "\u0661": TEXT, "\u00bd": TEXT,
    # floats
    "1.5": 1.5, "-1.5": -1.5, "+1.5": 1.5, "1.": 1.0, ".5": 0.5, "-.5": -0.5, "+.5": 0.5,
    "1e3": 1000.0, "1E3": 1000.0, "1e+3": 1000.0, "1e-3": 0.001, "1.e3": 1000.0, ".5e1": 5.0,
    "00.5": 0.5, "007e1": 70.0, "1e-400": 0.0,
    # what only looks like a float
    ".": TEXT, "+": TEXT, "+.": TEXT, "-.e1": TEXT, "1e": TEXT, "e3": TEXT, "1e3.5": TEXT,
    "1.2.3": TEXT, "1.5_0": TEXT, "1__0.5": TEXT, "123e4567": TEXT, "1e400": TEXT, "inf": TEXT,
    "nan": TEXT, "Infinity": TEXT, ".infinity": TEXT, ".iNF": TEXT, "-.nan": TEXT, "+.nan": TEXT,
    # dates, times, sexagesimal numbers, YAML 1.1's value and merge keys
    "2024-01-01": TEXT, "2024-01-01T12:30:00Z": TEXT, "2024-01-01 12:30:00": TEXT, "12:30": TEXT,
    "12:30:00": TEXT, "190:20:30.15": TEXT, "=": TEXT, "<<": TEXT, "v1.0": TEXT, "1.0.0": TEXT,
}  # fmt: skip


PLAIN_KEYS = ["null", "~", "true", "no", "on", "yes", "1", "0x1F", "1.50", "2024-01-01", "=", "<<"]


def value_of(scalar: str) -> object:
    return read_yaml(f"key: {scalar}\n", Limits())["key"]


@pytest.mark.parametrize(("scalar", "meaning"), ROWS.items(), ids=[f"<{row[:24]}>" for row in ROWS])
def test_a_plain_scalar_means_what_the_core_schema_says(scalar, meaning):
    expected = scalar if meaning is TEXT else meaning
    found = value_of(scalar)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("scalar", [row for row in ROWS if row not in {"", "0x" + "f" * 400}])
def test_a_quoted_scalar_is_text(scalar):
    assert value_of(f'"{scalar}"') == scalar
    assert value_of(f"'{scalar}'") == scalar


@pytest.mark.parametrize("scalar", ["|\n  12", ">\n  12"])
def test_a_block_scalar_is_text(scalar):
    assert value_of(scalar) == "12\n"


@pytest.mark.parametrize("scalar", ["", *PLAIN_KEYS])
def test_a_key_is_the_text_as_written(scalar):
    assert read_yaml(f"? {scalar}\n: 1\n", Limits()) == {scalar: 1}


def test_a_merge_key_merges_nothing():
    assert read_yaml("a: &a {x: 1}\nb: {<<: *a, y: 2}\n", Limits())["b"] == {"<<": {"x": 1}, "y": 2}


@pytest.mark.parametrize("scalar", [".inf", "+.Inf", "-.INF", ".nan", ".NaN", ".NAN"])
def test_what_is_no_finite_number_is_refused_with_its_place(scalar):
    with pytest.raises(UnstorableValue) as caught:
        value_of(scalar)
    assert caught.value.message == (
        "line 1, column 6: a number that is not finite cannot be stored"
    )


@pytest.mark.parametrize("scalar", ["9" * 1_000_000, "9" * 1_000_000 + "x", "." * 1_000_000])
def test_a_very_long_scalar_is_read_as_text(scalar):
    assert value_of(scalar) == scalar


def test_a_very_long_fraction_is_a_float():
    assert value_of("0." + "3" * 1_000_000) == pytest.approx(1 / 3)
    assert math.isfinite(value_of("1." + "9" * 100_000))
