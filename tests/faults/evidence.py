"""What a history leaves behind, in words that need neither a database nor a stream."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

ANY_BUT_A_FAILURE = (200, 400, 404, 413, 422, 503)


@dataclass(frozen=True)
class Reply:
    """What came of one request.

    :ivar key: the stored idempotency key
    :ivar status: None where nobody was there to answer
    :ivar was_killed: whether the history has seen to it that there is no answer
    :ivar deserved: the statuses that the request may be answered with
    """

    key: str
    status: int | None
    body: dict[str, Any] = field(default_factory=dict)
    was_killed: bool = False
    deserved: tuple[int, ...] = ANY_BUT_A_FAILURE

    @property
    def execution_id(self) -> int | None:
        """What was started, now or before."""
        return int(self.body["execution_id"]) if self.status == 200 else None


@dataclass(frozen=True)
class Event:
    execution_id: int
    event_id: int
    event_type: str
    parent_event_id: int | None
    command_id: str | None


@dataclass(frozen=True)
class Text:
    """Something that was written somewhere.

    :ivar holds_input: whether callers' input belongs there
    """

    where: str
    content: str
    holds_input: bool = False


@dataclass(frozen=True)
class Bound:
    """What waited when everything was mended, and what had arrived so many minutes later."""

    minutes: int
    due: tuple[str, ...]
    arrived: Collection[str]


@dataclass(frozen=True)
class Evidence:
    """All that a history has left.

    :ivar commands: event ids of the commands, by execution
    :ivar keys: the execution of each stored key
    :ivar waiting: the executions of the outbox
    :ivar parked: why the relay has given executions up
    :ivar message_ids: of what the stream holds now
    :ivar lost_message_ids: of what it held before it was deleted
    :ivar secrets: what must be nowhere
    :ivar inputs: what must be nowhere but where callers' input belongs
    """

    replies: list[Reply]
    events: list[Event]
    commands: dict[int, list[int]]
    keys: dict[str, int]
    message_ids: list[str]
    waiting: list[int] = field(default_factory=list)
    parked: dict[int, str | None] = field(default_factory=dict)
    lost_message_ids: list[str] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    secrets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    relay_errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold, and where."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"
