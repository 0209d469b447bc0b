"""What callers send to start executions, and the key under which a request starts once."""

# No `from __future__ import annotations`: making a model or a record parses each such text.

import hashlib
import re
from functools import cached_property
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from control_plane.errors import Fault, InvalidRequest
from control_plane.json_text import Json
from control_plane.ports import CatalogReference
from control_plane.trace_context import Trace

LARGEST_ID = 2**63 - 1
LONGEST_STORED_KEY = 1024
"""Bytes of a stored key; a longer one is kept as its SHA-256."""

MOST_EXECUTIONS = 1000
"""Requests of one batch."""

Model = TypeVar("Model", bound=BaseModel)

_REASONS = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "int_type": "must be an integer",
    "list_type": "must be a list",
    "missing": "is required",
    "model_type": "must be an object",
    "string_too_short": "must not be empty",
    "string_type": "must be a string",
}

_POOL = r"^[A-Za-z0-9_-]+$"  # text, which `re` compiles for the first request that names one


def read_id(value: object) -> int:
    """Return the id, given as an integer or as a decimal string.

    :raises ValueError: neither, or not from 0 to 2^63-1
    """
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_ID:
        raise ValueError("must be an id: an integer from 0 to 2^63-1, or the same as a string")
    return value


Id = Annotated[int, BeforeValidator(read_id, json_schema_input_type=int | str)]
"""A 64-bit id, given as an integer or as a decimal string."""


class ExecuteRequest(BaseModel):
    """The body of ``POST /api/execute``, an item of a batch, or a bare invocation.

    Unknown fields are ignored and null equals absent. `workload` is another name of `payload`;
    where both are given `payload` wins.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    path: StrictStr | None = Field(None, description="Catalog path; its highest version is run.")
    catalog_id: Id | None = Field(None, description="Exact catalog entry; wins over `path`.")
    payload: dict[str, Any] = Field(
        default_factory=dict, description="Input values; `workload` is an alias."
    )
    parent_execution_id: Id | None = Field(None, description="The execution this one belongs to.")
    idempotency_key: StrictStr | None = Field(
        None, description="Starts once per key; the header Idempotency-Key wins."
    )
    execution_pool: StrictStr | None = Field(
        None,
        description="Worker pool of every command.",
        json_schema_extra={"pattern": _POOL},
    )
    trace: Trace | None = Field(None, description="W3C trace context.")

    @model_validator(mode="before")
    @classmethod
    def _fold_aliases(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = {name: value for name, value in data.items() if value is not None}
        workload = given.pop("workload", None)
        if workload is not None:
            given.setdefault("payload", workload)
        if given.get("path") == "":
            del given["path"]
        return given

    @field_validator("execution_pool")
    @classmethod
    def _is_pool(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_POOL, value):
            raise ValueError("must be letters, digits, '-' and '_'")
        return value

    @field_validator("idempotency_key")
    @classmethod
    def _is_key(cls, value: str | None) -> str | None:
        return value if value is None else check_key(value)

    @property
    def reference(self) -> CatalogReference:
        """The playbook that is meant.

        :raises InvalidRequest: neither path nor catalog id
        """
        if self.catalog_id is None and self.path is None:
            raise InvalidRequest("Either 'path' or 'catalog_id' must be provided")
        return CatalogReference(self.catalog_id, self.path)

    @cached_property
    def payload_json(self) -> Json:
        """The payload with its serialisation, which fingerprint and record share."""
        return Json(self.payload)

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of the canonical JSON of what is asked for.

        Equal for equal requests, however they were written: aliases are resolved, ids are
        integers, absent fields are left out; key and trace do not count.
        """
        named = {
            "catalog_id": self.catalog_id,
            "execution_pool": self.execution_pool,
            "parent_execution_id": self.parent_execution_id,
            "path": self.path,
        }
        head = Json({name: value for name, value in named.items() if value is not None}).text
        # "payload" sorts last, so its text is appended instead of being made a second time.
        comma = "," if head != "{}" else ""
        meaning = f'{head[:-1]}{comma}"payload":{self.payload_json.text}}}'
        return hashlib.sha256(meaning.encode()).digest()


class ExecuteBatchRequest(BaseModel):
    """The body of ``POST /api/execute/batch``; each item is as for ``POST /api/execute``."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    executions: list[Any] = Field(min_length=1, max_length=MOST_EXECUTIONS)


class RerunRequest(BaseModel):
    """The body of ``POST /api/executions/{execution_id}/rerun``."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    workload: dict[str, Any] = Field(
        default_factory=dict, description="Overrides the first run's input key by key."
    )
    idempotency_key: StrictStr | None = Field(
        None, description="Starts once per key; the header Idempotency-Key wins."
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_null(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class Caller(NamedTuple):
    """Who asks, and by which way.

    :ivar source: ``http``, ``direct``, …
    :ivar principal: the authorizer's identity, ``anonymous`` without one
    :ivar request_id: the request's own id, the key of a request that brings none
    :ivar trace: what the request came with beside its body; a trace in the body wins
    """

    source: str
    principal: str
    request_id: str
    trace: Trace | None = None

    def stored_key(self, key: str | None) -> str:
        """Return the key as it is stored: ``{source}:{principal}:{key}``.

        A stored key longer than 1,024 bytes is replaced by its SHA-256.
        """
        stored = f"{self.source}:{self.principal}:{key or self.request_id}"
        encoded = stored.encode()
        if len(encoded) <= LONGEST_STORED_KEY:
            return stored
        return hashlib.sha256(encoded).hexdigest()


def check_key(key: str) -> str:
    """Return the idempotency key, if it is one.

    :raises ValueError: not 1 to 255 visible ASCII characters
    """
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("must be 1 to 255 visible ASCII characters")
    return key


def read_model(model: type[Model], body: Any) -> Model:
    """Validate a parsed JSON body.

    :raises InvalidRequest: names each field that is wrong and never repeats its value
    """
    if not isinstance(body, dict):
        raise InvalidRequest(faults=(Fault("body", "must be a JSON object"),))
    try:
        return model.model_validate(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        faults = tuple(Fault(_place(item["loc"]), _reason(item)) for item in details)
    raise InvalidRequest(faults=faults)


def _place(location: tuple[int | str, ...]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return place.removeprefix(".") or "body"


def _reason(error: ErrorDetails) -> str:
    """Say in the words of JSON what pydantic says in those of Python."""
    return _REASONS.get(error["type"]) or error["msg"].removeprefix("Value error, ")
