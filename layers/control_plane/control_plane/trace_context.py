"""The W3C trace context that a request comes with beside its body: in headers, in attributes.

There it is somebody else's, so what is malformed is left out rather than refused, as the W3C asks;
in a body it is the caller's own, and refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from control_plane.requests import Trace

_XRAY_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_XRAY_PARENT = re.compile(r"[0-9a-f]{16}")


def trace_from_headers(headers: Mapping[str, Any], outer: Trace | None = None) -> Trace | None:
    """Read ``traceparent``, ``tracestate`` and ``baggage``, whose names are in lower case.

    Without a sound ``traceparent`` there is no ``tracestate`` either; ``baggage`` stands alone.

    :param outer: what there is instead of a ``traceparent``
    """
    if not any(name in headers for name in Trace.model_fields):
        return outer
    trace = _with(Trace(), traceparent=headers.get("traceparent"))
    if trace.traceparent:
        trace = _with(trace, tracestate=headers.get("tracestate"))
    else:
        trace = outer or trace
    trace = _with(trace, baggage=headers.get("baggage"))
    return None if trace == Trace() else trace


def trace_from_xray(header: str) -> Trace | None:
    """Read an X-Ray header: ``Root=1-67891233-abcdef012345678912345678;Parent=…;Sampled=1``.

    Root and parent have the very digits of a ``traceparent``. Where the parent is missing there is
    no span to continue, and where the sampling is not decided the flag says no more than that.
    """
    pairs = (part.partition("=") for part in header.split(";"))
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    root = _XRAY_ROOT.fullmatch(fields.get("Root", ""))
    parent = _XRAY_PARENT.fullmatch(fields.get("Parent", ""))
    if root is None or parent is None:
        return None
    flags = "01" if fields.get("Sampled") == "1" else "00"
    return trace_from_headers({"traceparent": f"00-{root[1]}{root[2]}-{parent[0]}-{flags}"})


def _with(trace: Trace, **field: Any) -> Trace:
    """Return the trace with one more field, if that is there and well-formed."""
    try:
        return Trace.model_validate(trace.model_dump() | field) if all(field.values()) else trace
    except ValidationError:
        return trace
