"""The W3C trace context that a request comes with, in its body or beside it: headers, attributes.

Beside it, it is somebody else's, so what is malformed is left out rather than refused, as the W3C
asks; in a body it is the caller's own, and refused.
"""

# No `from __future__ import annotations`: making a model parses each such text.

import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)

LONGEST_TRACE = 8 * 1024
"""Bytes of ``tracestate`` and ``baggage`` together."""

# Texts, which `re` compiles at their first use and keeps: few requests bring a trace.
_TRACEPARENT = r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_XRAY_ROOT = r"1-([0-9a-f]{8})-([0-9a-f]{24})"
_XRAY_PARENT = r"[0-9a-f]{16}"


class Trace(BaseModel):
    """W3C trace context, passed on as it came."""

    model_config = ConfigDict(frozen=True, defer_build=True)  # few requests bring one

    traceparent: StrictStr | None = None
    tracestate: StrictStr | None = None
    baggage: StrictStr | None = None

    @field_validator("traceparent")
    @classmethod
    def _is_traceparent(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_TRACEPARENT, value):
            raise ValueError("does not match the W3C pattern version-traceid-parentid-flags")
        return value

    @model_validator(mode="after")
    def _is_small_ascii(self) -> Self:
        rest = (self.tracestate or "") + (self.baggage or "")
        if len(rest) > LONGEST_TRACE:
            raise ValueError(f"tracestate and baggage are longer than {LONGEST_TRACE} bytes")
        if not rest.isascii() or not rest.isprintable():
            raise ValueError("tracestate and baggage must be printable ASCII")
        return self


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
    root = re.fullmatch(_XRAY_ROOT, fields.get("Root", ""))
    parent = re.fullmatch(_XRAY_PARENT, fields.get("Parent", ""))
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
