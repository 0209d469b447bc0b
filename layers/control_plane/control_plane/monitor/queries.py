"""What callers ask for in a query string: every value is text, what is not known is ignored."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from control_plane.monitor.execution_status import Status
from control_plane.requests import LARGEST_ID, Id

MOST_EXECUTIONS = 100
"""Executions of one page; who asks for more gets these, as from NoETL."""
MOST_EVENTS = 1000
"""Events of one page, likewise."""
FARTHEST_OFFSET = 1_000_000

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+ -]\d\d:\d\d)?)?",
    re.ASCII,
)


def _read_number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{1,19}", value, re.ASCII):
        return int(value)
    raise ValueError("must be a whole number")


def _read_status(value: object) -> object:
    name = str(value).upper()
    if name not in Status.__members__:
        raise ValueError(f"must be one of: {', '.join(Status)}")
    return Status[name]


def _read_time(value: object) -> object:
    text = str(value)
    try:
        if not _TIME.fullmatch(text):
            raise ValueError  # noqa: TRY301
        # A plus sign that was not escaped arrives as a space.
        time = datetime.fromisoformat(text.replace(" ", "+"))
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        raise ValueError("must be a time by RFC 3339, such as 2026-10-28T06:00:30Z") from None


Number = Annotated[int, BeforeValidator(_read_number, json_schema_input_type=int)]
Time = Annotated[datetime, BeforeValidator(_read_time)]
"""A time in UTC, which is also what one without a zone is taken for."""


class Query(BaseModel):
    """The base: a parameter without a value counts as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, data: Any) -> Any:
        return {name: value for name, value in data.items() if value != ""}


class ExecutionQuery(Query):
    """The parameters of ``GET /api/executions``."""

    path: str | None = Field(None, description="Catalog path of the playbook.")
    status: Annotated[Status, BeforeValidator(_read_status)] | None = None
    catalog_id: Id | None = Field(None, description="Catalog entry of the playbook.")
    parent_execution_id: Id | None = Field(None, description="The execution it belongs to.")
    started_after: Time | None = Field(None, description="RFC 3339; exclusive.")
    started_before: Time | None = Field(None, description="RFC 3339; exclusive.")
    limit: Annotated[Number, Field(ge=1), AfterValidator(lambda n: min(n, MOST_EXECUTIONS))] = 50
    offset: Annotated[Number, Field(le=FARTHEST_OFFSET)] = Field(
        0, description="Executions to leave out; a cursor costs less and stays right."
    )
    cursor: str | None = Field(None, description="From the header `Link` of the page before.")

    def filters(self) -> dict[str, Any]:
        """Return the parameters that say which executions are meant, as JSON values."""
        return self.model_dump(
            mode="json", exclude={"limit", "offset", "cursor"}, exclude_none=True
        )


class EventQuery(Query):
    """The parameters of ``GET /api/executions/{execution_id}/events``."""

    after: Annotated[Number, Field(le=LARGEST_ID)] = Field(
        0, description="Id of an event; only later ones are returned."
    )
    limit: Annotated[Number, Field(ge=1), AfterValidator(lambda n: min(n, MOST_EVENTS))] = 1000
