"""The playbooks that the demo registers: valid, without a doubt, and what their comments say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from control_plane.command.builder import build_command
from control_plane.command.context import merged_workload
from control_plane.command.templating import check_template
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.loader import load
from control_plane.playbook.model import Playbook
from control_plane.playbook.warnings import find_warnings

FOLDER = Path(__file__).parents[3] / "playbooks"
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
LIMITS = Limits()


def playbook(name: str) -> Playbook:
    return load((FOLDER / f"{name}.yaml").read_text("utf-8"), LIMITS)


def tool_config(example: str, **payload: Any) -> Any:
    book = playbook(example)
    workload = merged_workload(book.workload, Json(payload))
    return build_command(book, "start", workload, 1, 2, LIMITS).tool_config.value


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid_and_raises_no_doubt(name: str):
    book = playbook(name)
    assert book.path == f"examples/{name}"
    assert find_warnings(book, check_template) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_example_can_be_started_without_a_payload(name: str):
    assert tool_config(name)


def test_a_payload_overrides_the_defaults_key_by_key():
    assert tool_config("hello_world", name="Ada")["args"] == {"name": "Ada", "punctuation": "!"}


def test_a_lone_expression_stays_a_list():
    config = tool_config("invoices_in_parallel")
    assert config["args"]["customers"] == ["ada", "grace", "katherine"]
    assert config["args"]["month"] == "2026-01"


def test_a_condition_in_a_template_is_rendered():
    args = tool_config("nightly_close", dry_run=True)["args"]
    assert args["note"] == "rehearsal of 2026-01-31"
    assert args["dry_run"] is True


def test_what_a_task_finds_out_is_left_to_the_worker():
    fetch, shape, store = tool_config("weather_to_postgres", city="Oslo")
    assert fetch["fetch"]["params"]["latitude"] == 38.72
    assert shape["shape"]["input"]["daily"] == "{{ _prev.data.daily }}"
    assert store["store"]["params"]["rows"] == "{{ _prev | tojson }}"
    assert store["store"]["auth"] == "warehouse"


def test_no_template_with_the_keychain_is_rendered():
    config = tool_config("orders_with_keychain", keychain={"shop_token": {"access_token": "x"}})
    token = "Bearer {{ keychain.shop_token.access_token }}"
    assert config["headers"] == {"Authorization": token, "X-Request-Id": "noetl-1"}
    assert config["params"]["since"] == "2026-01-01"
