"""What templates see."""

from __future__ import annotations

import pytest

from control_plane.command.context import holds, merged_workload, rendering_names
from control_plane.json_text import Json

NAMES = {"a": {"b": {"null": None}, "list": [{"c": 1}, None]}, "nothing": None}


def test_the_payload_overrides_the_workload_key_by_key():
    defaults = {"keep": 1, "replace": {"inner": 1, "gone": 2}}
    merged = merged_workload(defaults, Json({"replace": {"inner": 3}, "new": None}))
    assert merged.value == {"keep": 1, "replace": {"inner": 3}, "new": None}
    assert defaults == {"keep": 1, "replace": {"inner": 1, "gone": 2}}


@pytest.mark.parametrize("workload", [None, [], "text", 3, True, {}, {"a": 2}])
def test_the_payload_itself_is_returned_where_nothing_is_added_to_it(workload):
    payload = Json({"a": 1})
    assert merged_workload(workload, payload) is payload


def test_templates_see_three_names_more():
    names = rendering_names(Json({"a": 1}), 658371920845275136, 42)
    assert names["workload"] == names["ctx"] == {"a": 1}
    assert (names["execution_id"], names["catalog_id"]) == ("658371920845275136", "42")


def test_a_key_of_the_payload_wins_over_our_own_names_but_not_over_workload():
    payload = {"ctx": 1, "execution_id": None, "catalog_id": 3, "workload": 4}
    names = rendering_names(Json(payload), 1, 2)
    assert [names[key] for key in ("ctx", "execution_id", "catalog_id")] == [1, None, 3]
    assert names["workload"] is payload


@pytest.mark.parametrize(
    ("path", "is_held"),
    [
        (("a",), True),
        (("a", "b"), True),
        (("a", "b", "null"), True),
        (("nothing",), True),
        (("a", "list", 0, "c"), True),
        (("a", "list", 1), True),
        (("missing",), False),
        (("a", "missing"), False),
        (("nothing", "below"), False),
        (("a", "b", "null", "below"), False),
        (("a", "list", 2), False),
        (("a", "list", "length"), False),
        (("a", 0), False),
    ],
)
def test_a_path_is_held_when_every_key_on_it_exists(path, is_held):
    assert holds(NAMES, path) is is_held
