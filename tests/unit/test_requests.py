from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.errors import InvalidRequest
from control_plane.requests import Caller, ExecuteRequest, read_model

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def read(body: object) -> ExecuteRequest:
    return read_model(ExecuteRequest, body)


def test_every_field_is_read_and_unknown_ones_are_ignored():
    request = read(
        {
            "path": "a/b",
            "catalog_id": "658371920845275136",
            "payload": {"x": 1},
            "parent_execution_id": 7,
            "idempotency_key": "k",
            "execution_pool": "shared",
            "trace": {"traceparent": TRACEPARENT},
            "resource_kind": "Playbook",
        }
    )
    assert request.catalog_id == 658371920845275136
    assert request.parent_execution_id == 7
    assert request.payload == {"x": 1}
    assert request.trace is not None
    assert request.trace.traceparent == TRACEPARENT


def test_null_equals_absent_in_every_field():
    names = (*ExecuteRequest.model_fields, "workload")
    assert read(dict.fromkeys(names)) == read({})


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        ({"workload": {"a": 1}}, {"a": 1}),
        ({"payload": {"a": 1}, "workload": {"b": 2}}, {"a": 1}),
        ({"payload": None, "workload": {"b": 2}}, {"b": 2}),
        ({"payload": {}, "workload": {"b": 2}}, {}),
        ({}, {}),
    ],
)
def test_workload_is_another_name_of_payload_which_wins(body, payload):
    assert read({"path": "a", **body}).payload == payload


@pytest.mark.parametrize("body", [{}, {"path": None}, {"path": ""}])
def test_a_request_that_names_no_playbook_is_refused(body):
    with pytest.raises(InvalidRequest) as caught:
        _ = read(body).reference
    assert caught.value.message == "Either 'path' or 'catalog_id' must be provided"


@pytest.mark.parametrize("value", [0, "0", 2**63 - 1, str(2**63 - 1), "007"])
def test_an_id_is_an_integer_or_a_decimal_string(value):
    assert read({"catalog_id": value}).catalog_id == int(value)


@pytest.mark.parametrize(
    "value", [True, 1.0, -1, "-1", 2**63, str(2**63), "", " 1", "+1", "1_0", "0x1", "٣", [1], {}]
)
def test_what_is_no_id_is_refused(value):
    with pytest.raises(InvalidRequest) as caught:
        read({"catalog_id": value})
    assert [fault.where for fault in caught.value.faults] == ["catalog_id"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "body"),
        (None, "body"),
        ("path", "body"),
        ({"path": 5}, "path"),
        ({"payload": [1]}, "payload"),
        ({"workload": "x"}, "payload"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "a b"}, "idempotency_key"),
        ({"idempotency_key": "k" * 256}, "idempotency_key"),
        ({"idempotency_key": "ключ"}, "idempotency_key"),
        ({"execution_pool": "a.b"}, "execution_pool"),
        ({"execution_pool": "shared\n"}, "execution_pool"),
        ({"execution_pool": ""}, "execution_pool"),
        ({"trace": {"traceparent": "00-xyz"}}, "trace.traceparent"),
        ({"trace": {"traceparent": TRACEPARENT + "\r\nA: b"}}, "trace.traceparent"),
        ({"trace": {"tracestate": "a=\n"}}, "trace"),
        ({"trace": {"baggage": "é"}}, "trace"),
        ({"trace": {"tracestate": "a" * 5000, "baggage": "b" * 5000}}, "trace"),
        ({"trace": "x"}, "trace"),
    ],
)
def test_a_wrong_shape_names_the_field(body, where):
    with pytest.raises(InvalidRequest) as caught:
        read(body)
    assert [fault.where for fault in caught.value.faults] == [where]


@given(st.dictionaries(st.sampled_from(sorted(ExecuteRequest.model_fields)), st.just("s3cr3t\0")))
def test_a_refusal_never_repeats_a_value(body):
    try:
        read(body)
    except InvalidRequest as error:
        assert "s3cr3t" not in error.message + repr(error.faults)


def test_equal_requests_have_one_fingerprint_however_they_are_written():
    plain = read({"path": "a", "catalog_id": 5, "payload": {"x": 1, "y": [2]}})
    other = read(
        {
            "trace": {"traceparent": TRACEPARENT},
            "idempotency_key": "k",
            "workload": {"y": [2], "x": 1},
            "catalog_id": "5",
            "path": "a",
            "more": True,
        }
    )
    assert plain.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"path": "b"},
        {"path": "a", "catalog_id": 5},
        {"path": "a", "payload": {"x": 1}},
        {"path": "a", "parent_execution_id": 5},
        {"path": "a", "execution_pool": "shared"},
    ],
)
def test_other_requests_have_other_fingerprints(other):
    assert read(other).fingerprint != read({"path": "a"}).fingerprint


def test_a_key_belongs_to_its_source_and_principal():
    assert Caller("http", "AIDA", "r1").stored_key("k") == "http:AIDA:k"
    assert Caller("http", "AIDA", "r1").stored_key(None) == "http:AIDA:r1"


def test_a_stored_key_of_more_than_1024_bytes_is_kept_as_its_hash():
    long = Caller("http", "p" * 2000, "r").stored_key("k")
    other = Caller("http", "p" * 2000, "r").stored_key("l")
    assert len(long) == 64
    assert long != other
