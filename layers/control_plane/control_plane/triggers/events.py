"""The shapes in which AWS delivers events, one inside the other, and what identifies each event.

An event is taken out of its wrappings down to the innermost one, and what identifies it there wins:
a wrapping may be made anew for the same event, since SNS and EventBridge deliver at least once and
each of their deliveries into a queue is a message of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from urllib.parse import unquote_plus

from control_plane.errors import InvalidRequest, LimitExceeded, MalformedRequest
from control_plane.json_text import read_json
from control_plane.limits import Limits

UNKNOWN = "an object"
"""The shape of what is no event of AWS's: a request, or anything else."""

MOST_EVENTS = 100
"""Events that one message may hold. AWS sends one; more would keep its batch waiting."""

# What SNS adds to a message, in lower case: it may differ from delivery to delivery.
_SIGNATURE = frozenset({"signature", "signatureversion", "signingcerturl", "unsubscribeurl"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What an event is known by, however often and by whichever way it arrives.

    :ivar source: ``s3``, ``sns``, …; with ``principal`` the name space of ``key``
    :ivar is_shared: others may get the same event, each for a playbook of its own
    """

    source: str
    principal: str
    key: str
    is_shared: bool = False

    @classmethod
    def of_invocation(cls, request_id: str) -> Identity:
        """Know what was sent to a function itself by Lambda's id, which its retries share."""
        # Not `direct`: what a queue's sender makes of it must be no key of who invokes execute.
        return cls("trigger", "anonymous", request_id)


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or one request.

    :ivar attributes: what came with it on its way; of the same name the outermost
    :ivar shape: what it is, in words for an error
    :ivar place: which of several in one wrapping; empty for the only one
    """

    value: Any
    identity: Identity
    attributes: Mapping[str, str] = field(default_factory=dict)
    shape: str = UNKNOWN
    place: str = ""

    @property
    def is_request(self) -> bool:
        """Whether it names its playbook, and so is an execute request."""
        # An empty path counts as absent.
        has_path = self.value.get("path") not in (None, "")
        return has_path or self.value.get("catalog_id") is not None


def unwrap(outer: Event, limits: Limits) -> list[Event]:
    """Take the events out of their wrappings; S3's test event holds none.

    :param limits: of the JSON that a wrapping holds as text
    :raises InvalidRequest: no object, or records of an unknown shape
    :raises LimitExceeded: more events than one message may hold
    :raises RequestError: what a wrapping holds as text breaks a limit, or cannot be stored
    """
    events = list(islice(_unwrapped(outer, limits), MOST_EVENTS + 1))
    if len(events) > MOST_EVENTS:
        raise LimitExceeded("events in one message", MOST_EVENTS)
    return events


def identity_of(event: Any) -> Identity | None:  # noqa: PLR0911 - one for each shape
    """Return what an event is known by in itself; None where it has nothing that could be taken."""
    match event:
        case {
            "s3": {
                "bucket": {"name": str(bucket)},
                "object": {"key": str(key), "sequencer": str(sequencer), **rest},
            }
        }:
            return _of_object(bucket, _decoded(key), rest.get("versionId"), sequencer)
        case {"Records": [record]}:
            return identity_of(record)
        case {
            "source": "aws.s3",
            "detail": {
                "bucket": {"name": str(bucket)},
                "object": {"key": str(key), "sequencer": str(sequencer), **rest},
            },
        }:
            return _of_object(bucket, key, rest.get("version-id"), sequencer)
        case {"source": "aws.scheduler", "resources": [str(schedule)], "time": str(time)}:
            # Scheduler may deliver twice, each time under another id.
            return Identity("scheduler", schedule, time, is_shared=True)
        case {"detail-type": str(), "source": str(source), "account": str(account), "id": str(key)}:
            return Identity("eventbridge", f"{account}/{escaped(source)}", key, is_shared=True)
        case {"TopicArn": str(topic), "MessageId": str(message_id)}:
            return Identity("sns", topic, message_id, is_shared=True)
    return None


def escaped(text: str) -> str:
    """Return a text as part of a key: parts are separated by colons, and NUL cannot be stored."""
    return text.replace("%", "%25").replace(":", "%3A").replace("\0", "%00")


def _decoded(key: str) -> str:
    """Return the key of an object, which S3 encodes as in a form in its own notifications."""
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:  # no key that S3 would have taken, and still no other one
        return key


def _of_object(bucket: str, key: str, version: object, sequencer: str) -> Identity:
    # Without a version, and with the same key, the sequencer alone tells two changes apart.
    parts = key, version if isinstance(version, str) else "", sequencer
    return Identity("s3", escaped(bucket), ":".join(map(escaped, parts)), is_shared=True)


def _unwrapped(outer: Event, limits: Limits) -> Iterator[Event]:
    match outer.value:
        case dict() if outer.is_request:
            yield outer
        case {"Type": "Notification", "TopicArn": str(), "MessageId": str(), "Message": str()}:
            yield from _in_notification(outer, limits)
        case {"Records": [*records]} if records:
            yield from _in_records(outer, records, limits)
        case {"Service": "Amazon S3", "Event": "s3:TestEvent"}:
            return
        case {"detail-type": str(), "source": str(source)}:
            yield _of_bus(outer, source)
        case {"requestContext": {"requestId": str(request_id)}, "requestPayload": payload}:
            # Lambda's record of an invocation that failed, out of the dead-letter queue.
            identity = Identity.of_invocation(request_id)
            yield from _unwrapped(replace(outer, value=payload, identity=identity), limits)
        case {"MessageBody": str(body), "QueueUrl": str()}:
            # Scheduler's record of a message that it could not send, out of the same queue.
            yield from _unwrapped(replace(outer, value=_read(body, limits)), limits)
        case dict():
            yield outer
        case _:
            raise InvalidRequest("body: must be a JSON object")


def _of_bus(outer: Event, source: str) -> Event:
    identity = identity_of(outer.value) or outer.identity
    value = outer.value
    if identity.source == "scheduler":
        # Its id may be another with each delivery, which would look like another request.
        value = {name: item for name, item in value.items() if name != "id"}
    shape = f"an event of {source[:60]} from EventBridge"
    return replace(outer, value=value, identity=identity, shape=shape)


def _in_notification(outer: Event, limits: Limits) -> Iterator[Event]:
    """Take what the message's text holds, or the message itself when that is no object."""
    value = {
        name: item
        for name, item in outer.value.items()
        if name.lower() not in _SIGNATURE and item not in (None, {})
    }
    message = replace(
        outer,
        value=value,
        identity=identity_of(value) or outer.identity,
        attributes=_attributes(value.get("MessageAttributes")) | dict(outer.attributes),
        shape="a message of SNS",
    )
    try:
        inner = _read(value["Message"], limits)
    except MalformedRequest:
        inner = None
    if isinstance(inner, dict):
        yield from _unwrapped(replace(message, value=inner, shape=UNKNOWN), limits)
    else:
        yield message


def _in_records(outer: Event, records: list[Any], limits: Limits) -> Iterator[Event]:
    for number, record in enumerate(records):
        place = f" {number}" if len(records) > 1 else ""
        identity = replace(outer.identity, key=outer.identity.key + place)
        one = replace(outer, value=record, identity=identity, place=outer.place + place)
        match record:
            case {"EventSource": "aws:sns", "Sns": dict(notification)}:
                yield from _unwrapped(replace(one, value=notification), limits)
            case {"eventSource": "aws:s3", "s3": dict()}:
                own = identity_of(record) or one.identity
                yield replace(one, identity=own, shape="a notification of S3")
            case {"eventSource": str(source)} | {"EventSource": str(source)}:
                raise InvalidRequest(f"Unknown event shape: records of {source[:60]}")
            case _:
                raise InvalidRequest("Unknown event shape: records that name no source")


def _read(text: str, limits: Limits) -> Any:
    return read_json(text.encode("utf-8", "surrogatepass"), limits)


def _attributes(given: Any) -> dict[str, str]:
    pairs = given.items() if isinstance(given, dict) else ()
    return {
        name: item["Value"]
        for name, item in pairs
        if isinstance(item, dict) and isinstance(item.get("Value"), str)
    }
