"""From what is delivered to the starts that it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from control_plane.batches import BatchItem
from control_plane.errors import Fault, InvalidRequest, RequestError
from control_plane.json_text import check_value, read_json
from control_plane.limits import Limits
from control_plane.requests import Caller, ExecuteRequest, check_key, read_model
from control_plane.trace_context import Trace, trace_from_headers, trace_from_xray
from control_plane.triggers.events import UNKNOWN, Event, Identity, escaped, identity_of, unwrap

# Attributes of a message, for senders who do not build its body.
PATH = "noetl-path"
CATALOG_ID = "noetl-catalog-id"
KEY = "noetl-idempotency-key"
POOL = "noetl-execution-pool"

# `<aws.scheduler.schedule-arn>@<aws.scheduler.scheduled-time>` of a schedule's Input.
_SCHEDULED = re.compile(r"(arn:[a-z-]+:scheduler:[a-z0-9-]+:\d+:schedule/[^@]+)@(.+)")


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered at once, and is done or not done as a whole.

    :ivar id: of the message, or of the invocation
    :ivar body: as it was delivered
    :ivar attributes: as they were delivered: ``{name: {stringValue, dataType, …}}``
    :ivar group: in a FIFO queue the group, whose messages keep their order
    :ivar items: what it asks for, or why that cannot be told
    :ivar needs_id: whether it is known by its id alone, which a copy of it would not have
    :ivar receive_count: how often it has been delivered, as the queue says
    """

    id: str
    body: str
    attributes: Mapping[str, Any]
    group: str | None
    items: tuple[BatchItem | RequestError, ...]
    needs_id: bool
    receive_count: str | None = None


@dataclass(frozen=True, slots=True)
class _Delivery:
    identity: Identity
    attributes: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Reads messages and events; what is wrong with one becomes its only item.

    :ivar default_path: the playbook of AWS's events that name none
    """

    limits: Limits
    default_path: str | None = None

    def message(self, record: Mapping[str, Any]) -> Message:
        """Read a record of an SQS event.

        :raises InvalidRequest: it is none
        """
        match {"attributes": {}, **record}:
            case {
                "messageId": str(message_id),
                "body": str(body),
                "attributes": dict(system),
                "eventSourceARN": str(queue),
            }:
                system = _texts(system)
            case _:
                raise InvalidRequest("Unknown event shape: a record of SQS that is incomplete")
        attributes = _attributes(record.get("messageAttributes"))
        delivery = _Delivery(
            identity=Identity("sqs", queue, message_id),
            attributes=_texts({name: one.get("stringValue") for name, one in attributes.items()}),
            # Elsewhere a group is for fairness, and means no order.
            group=system.get("MessageGroupId") if queue.endswith(".fifo") else None,
            trace=trace_from_xray(system.get("AWSTraceHeader", "")),
        )

        def value() -> Any:
            return read_json(body.encode("utf-8", "surrogatepass"), self.limits)

        message = self._message(delivery, body, attributes, value)
        return replace(message, receive_count=system.get("ApproximateReceiveCount"))

    def event(self, value: Any, request_id: str) -> Message:
        """Read an event that was sent to the function itself."""

        def checked() -> Any:
            check_value(value, self.limits)
            return value

        return self._message(
            _Delivery(Identity.of_invocation(request_id)), json.dumps(value), {}, checked
        )

    def _message(
        self,
        delivery: _Delivery,
        body: str,
        attributes: Mapping[str, Any],
        read: Callable[[], Any],
    ) -> Message:
        outer = delivery.identity
        try:
            events = unwrap(Event(read(), outer, delivery.attributes), self.limits)
        except RequestError as error:
            items: list[BatchItem | RequestError] = [error]
        else:
            items = [self._item(event, delivery) for event in events]
        # One that has a key of its own would lose it to the one of the copy.
        needs_id = bool(items) and all(_is_known_by(item, outer) for item in items)
        return Message(outer.key, body, attributes, delivery.group, tuple(items), needs_id)

    def _item(self, event: Event, delivery: _Delivery) -> BatchItem | RequestError:
        try:
            request = read_model(ExecuteRequest, self._request(event))
            key = _attribute_key(event) or request.idempotency_key
        except RequestError as error:
            return error
        trace = trace_from_headers(event.attributes, delivery.trace)
        if key and (scheduled := _SCHEDULED.fullmatch(key)):
            identity = Identity("scheduler", scheduled[1], scheduled[2] + event.place)
        elif key:
            identity = replace(event.identity, key=key + event.place)
        else:
            identity = _innermost(event, request)
        caller = Caller(identity.source, identity.principal, identity.key, trace)
        # As the key, too: the one in the body must not be taken instead.
        return BatchItem(request, caller, identity.key, delivery.group)

    def _request(self, event: Event) -> dict[str, Any]:
        """Return the request's body: the event's own, or one that has the event as its payload."""
        attributes = event.attributes
        target = {"path": attributes.get(PATH), "catalog_id": attributes.get(CATALOG_ID)}
        pool = {"execution_pool": attributes.get(POOL)}
        if event.is_request:
            return pool | {name: item for name, item in event.value.items() if item is not None}
        if not any(target.values()):
            if event.shape == UNKNOWN:
                raise InvalidRequest(f"Unknown event shape: {_described(event.value)}")
            if self.default_path is None:
                raise InvalidRequest(f"{event.shape} names no playbook, and there is no default")
            target["path"] = self.default_path
        return {**target, **pool, "payload": {"event": event.value}}


def _attributes(given: Any) -> dict[str, dict[str, Any]]:
    """Return the attributes that are some; SQS delivers no others, but who invokes by hand may."""
    return {
        name: one
        for name, one in _items(given)
        if isinstance(one, dict)
        and isinstance(one.get("dataType"), str)
        and isinstance(one.get("stringValue") or one.get("binaryValue"), str)
    }


def _texts(given: Any) -> dict[str, str]:
    return {name: text for name, text in _items(given) if text and isinstance(text, str)}


def _items(given: Any) -> Iterable[tuple[str, Any]]:
    return given.items() if isinstance(given, dict) else ()


def _attribute_key(event: Event) -> str | None:
    key = event.attributes.get(KEY)
    try:
        return key if key is None else check_key(key)
    except ValueError as error:
        raise InvalidRequest(faults=(Fault(f"attribute {KEY}", str(error)),)) from None


def _innermost(event: Event, request: ExecuteRequest) -> Identity:
    """Return what a start without a key of its own is known by."""
    # What a rule's transformer has put into a request is still the event that it was.
    inner = identity_of(request.payload.get("event")) if event.is_request else None
    identity = inner or event.identity
    if not identity.is_shared:
        return identity
    reference = request.path if request.catalog_id is None else str(request.catalog_id)
    return replace(identity, key=f"{identity.key}:{escaped(reference or '')}")


def _is_known_by(item: BatchItem | RequestError, delivery: Identity) -> bool:
    if isinstance(item, RequestError):
        return True
    own = (item.caller.source, item.caller.principal, (item.key or "").partition(" ")[0])
    return own == (delivery.source, delivery.principal, delivery.key)


def _described(value: Mapping[str, Any]) -> str:
    names = [name[:40] for name in sorted(value)[:5]]
    fields = ", ".join(names) + (", …" if len(value) > len(names) else "")
    return f"an object with the fields {fields}" if names else "an empty object"
