"""What the relay is invoked with: a schedule's event, or the order of a person on call."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from control_plane.answers import written_time
from control_plane.relay.outbox import ParkedNotification
from control_plane.relay.relay import Relay
from control_plane.requests import Id, read_model

MOST_RELEASED = 10_000


class Order(BaseModel):
    """``{"parked": 20}`` lists what was given up, ``{"release": …}`` makes it due once more."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    parked: int | None = Field(None, ge=1, le=1000, strict=True)
    """How many to list, the first one first."""
    release: Literal["all"] | list[Id] | None = None
    """Everything, or the executions with these ids; up to 10,000 rows at a time."""


def follow(relay: Relay, event: Any) -> dict[str, Any]:
    """Run the relay; list or release first what an order asks for.

    :param event: of a schedule, ``{}``, or an order
    :raises InvalidRequest: the order cannot be understood; nothing was done
    :raises StoreUnavailable: the database cannot answer
    """
    if isinstance(event, dict) and "detail-type" in event:
        return {**relay.run()}
    order = read_model(Order, event)
    if order.parked is not None:
        return {"parked": [_written(one) for one in relay.outbox.parked(order.parked)]}
    if order.release is None:
        return {**relay.run()}
    wanted = None if order.release == "all" else order.release
    released = relay.outbox.release(wanted, MOST_RELEASED)
    return {"released": released, **relay.run()}


def _written(one: ParkedNotification) -> dict[str, Any]:
    return {
        "execution_id": str(one.execution_id),
        "message_id": one.message_id,
        "parked_at": written_time(one.parked_at.replace(tzinfo=None)),
        "renotifications": one.renotifications,
        "has_arrived": one.has_arrived,
        "last_error": one.last_error,
    }
