from __future__ import annotations

import pytest

from control_plane.trace_context import trace_from_headers, trace_from_xray

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"


def read(**headers):
    trace = trace_from_headers(headers)
    return trace and trace.model_dump(exclude_none=True)


def test_the_three_headers_are_kept_as_they_came():
    headers = {"traceparent": PARENT, "tracestate": "a=1,b=2", "baggage": "user=7"}
    assert read(**headers, accept="*/*") == headers


@pytest.mark.parametrize("headers", [{}, {"traceparent": ""}, {"traceparent": None}])
def test_without_headers_there_is_no_trace(headers):
    assert read(**headers) is None


@pytest.mark.parametrize(
    "malformed",
    [
        "x",
        PARENT.upper(),
        f"{PARENT},{PARENT}",
        PARENT.replace("00-", "ff-", 1),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        5,
    ],
)
def test_a_malformed_parent_is_left_out_with_its_state(malformed):
    assert read(traceparent=malformed, tracestate="a=1") is None
    assert read(traceparent=malformed, tracestate="a=1", baggage="b=1") == {"baggage": "b=1"}


def test_what_is_malformed_beside_a_parent_is_left_out():
    assert read(traceparent=PARENT, tracestate="ü=1", baggage="b\n=1") == {"traceparent": PARENT}


def test_state_and_baggage_that_are_too_long_together_lose_the_baggage():
    state = "a=" + "1" * 5000
    given = {"traceparent": PARENT, "tracestate": state, "baggage": "b=" + "2" * 5000}
    assert read(**given) == {"traceparent": PARENT, "tracestate": state}


@pytest.mark.parametrize(("sampled", "flags"), [(";Sampled=1", "01"), (";Sampled=0", "00"),
                                                (";Sampled=?", "00"), ("", "00")])  # fmt: skip
def test_an_x_ray_header_has_the_digits_of_a_parent(sampled, flags):
    trace = trace_from_xray(f"Self=1-x;{ROOT};Parent=53995c3f42cd8ad8{sampled};Lineage=a:0")
    expected = f"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-{flags}"
    assert trace.model_dump(exclude_none=True) == {"traceparent": expected}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        ROOT,
        f"{ROOT};Parent=;Sampled=1",
        f"{ROOT};Parent=53995C3F42CD8AD8",
        "Root=1-5759e988;Parent=53995c3f42cd8ad8",
        f"{ROOT};Parent={'0' * 16}",
        "Parent=53995c3f42cd8ad8;Sampled=1",
    ],
)
def test_an_x_ray_header_without_a_span_is_no_parent(header):
    assert trace_from_xray(header) is None
