"""Copies of messages that can never start: what they hold, and what SQS takes of it."""

from __future__ import annotations

import json

import pytest

from control_plane.errors import InvalidRequest, PlaybookNotFound
from control_plane.limits import Limits
from control_plane.triggers.dead_letters import MOST_BYTES, dead_letter
from control_plane.triggers.messages import MessageReader
from tests.unit.triggers.trigger_plane import QUEUE, message

ERROR = PlaybookNotFound("none")


def letter_of(record, error=ERROR, **attributes):
    given = {name.replace("_", "-"): text(value) for name, value in attributes.items()}
    return dead_letter(
        MessageReader(Limits()).message(record | {"messageAttributes": given}), error
    )


def text(value):
    return {"stringValue": value, "dataType": "String", "stringListValues": []}


def texts(letter):
    return {name: given.get("stringValue") for name, given in letter.attributes.items()}


def test_a_copy_has_body_attributes_reason_and_key():
    letter = letter_of(message("m1", {"path": "none"}), color="blue")
    assert letter.body == json.dumps({"path": "none"})
    assert texts(letter) == {
        "color": "blue",
        "noetl-error": "PlaybookNotFound",
        "noetl-reason": "Playbook not found: none",
        "noetl-idempotency-key": "m1",
        "noetl-start-keys": f"sqs:{QUEUE}:m1",
    }


def test_a_copy_of_what_has_a_key_of_its_own_is_told_no_other():
    letter = letter_of(message("m1", {"path": "none", "idempotency_key": "k"}))
    assert "noetl-idempotency-key" not in letter.attributes
    letter = letter_of(message("m1", {"path": "none"}), noetl_idempotency_key="given")
    assert texts(letter)["noetl-idempotency-key"] == "given"


def test_a_copy_of_what_cannot_be_read_is_known_by_the_message_s_id():
    letter = letter_of(message("m1", "not JSON"), InvalidRequest("no"))
    assert texts(letter)["noetl-idempotency-key"] == "m1"
    assert "noetl-start-keys" not in letter.attributes


def test_a_copy_that_fails_again_tells_the_last_reason():
    letter = letter_of(message("m1"), noetl_reason="an old one", noetl_error="Old")
    assert texts(letter)["noetl-reason"] == "Playbook not found: none"
    assert texts(letter)["noetl-error"] == "PlaybookNotFound"


def test_of_more_attributes_than_sqs_takes_the_ones_that_matter_are_kept():
    others = {f"other{n}": "x" for n in range(9)}
    letter = letter_of(message("m1"), **others, noetl_path="none")
    assert len(letter.attributes) == 10
    assert {"noetl-error", "noetl-reason", "noetl-path"} <= set(letter.attributes)
    assert set(letter.left_out) == set(others) - set(letter.attributes)


def test_a_body_of_the_largest_size_has_no_room_for_attributes():
    body = json.dumps({"path": "x" * (MOST_BYTES - 12)})
    assert len(body) == MOST_BYTES
    letter = letter_of(message("m1", body))
    assert (letter.size, letter.attributes) == (MOST_BYTES, {})
    assert "noetl-reason" in letter.left_out


def test_what_matters_most_is_kept_where_there_is_little_room():
    body = json.dumps({"path": "x" * (MOST_BYTES - 12 - 100)})
    letter = letter_of(message("m1", body))
    assert set(letter.attributes) == {"noetl-idempotency-key", "noetl-error"}
    assert letter.size <= MOST_BYTES


@pytest.mark.parametrize("path", ["a\x01b", "a\uffffb", "a\x00b", "a\ud800b"])
def test_a_reason_holds_no_character_that_sqs_refuses(path):
    letter = letter_of(message("m1"), PlaybookNotFound(path))
    assert texts(letter)["noetl-reason"] == "Playbook not found: a�b"


def test_a_long_reason_is_cut():
    letter = letter_of(message("m1"), PlaybookNotFound("x" * 5000))
    assert len(texts(letter)["noetl-reason"]) == 1000
