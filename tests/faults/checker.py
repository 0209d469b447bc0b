"""What must be true after every history, whatever has happened in it.

I1  Every answered start has exactly one ``playbook_started`` and its one ``command.issued``.
I2  No execution lacks its command.
I3  One key, one execution.
I4  Every live command was notified, in time, and its message is where a worker will find it.
I5  What was refused left no row.
I6  No secret is where it must not be.
I7  Who was not killed has answered in time, and as the request deserves.

The checker looks at evidence alone, so that it can be shown evidence that is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from control_plane.relay.outbox import SIGNS_OF_A_WORKER
from tests.faults.evidence import Event, Evidence, Violation

Found = Iterator[tuple[str, str]]


def check(evidence: Evidence) -> list[Violation]:
    """Return everything that is not as it must be."""
    log = _Log(evidence)
    found = [
        *_answered(log),
        *_with_command(log),
        *_once_per_key(log),
        *_notified(log),
        *_notified_in_time(log),
        *_refused(log),
        *_secret(evidence),
        *_served(evidence),
    ]
    return [Violation(invariant, what) for invariant, what in found]


class _Log:
    """The event log by execution."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.started: dict[int, list[Event]] = defaultdict(list)
        self.issued: dict[int, list[Event]] = defaultdict(list)
        self.over: set[int] = set()
        for event in evidence.events:
            if event.event_type == "playbook_started":
                self.started[event.execution_id].append(event)
            elif event.event_type == "command.issued":
                self.issued[event.execution_id].append(event)
            elif event.event_type in SIGNS_OF_A_WORKER:
                self.over.add(event.execution_id)

    @property
    def executions(self) -> set[int]:
        return {event.execution_id for event in self.evidence.events}

    @property
    def live_commands(self) -> dict[str, int]:
        """The execution of each command that somebody still has to do."""
        return {
            issued.command_id or "": execution_id
            for execution_id in self.executions - self.over
            for issued in self.issued[execution_id]
        }


def _answered(log: _Log) -> Found:
    for reply in log.evidence.replies:
        if reply.execution_id is None:
            continue
        started, issued = log.started[reply.execution_id], log.issued[reply.execution_id]
        if (len(started), len(issued)) != (1, 1):
            counts = f"{len(started)} playbook_started and {len(issued)} command.issued"
            yield "I1", f"execution {reply.execution_id} was answered and has {counts}"


def _with_command(log: _Log) -> Found:
    for execution_id in log.executions:
        issued = [event.event_id for event in log.issued[execution_id]]
        started = [event.event_id for event in log.started[execution_id]]
        parents = [event.parent_event_id for event in log.issued[execution_id]]
        if not issued or parents != started:
            yield "I2", f"execution {execution_id} has no command.issued of its start"
        if log.evidence.commands.get(execution_id, []) != issued:
            yield "I2", f"execution {execution_id} lacks its row among the commands"


def _once_per_key(log: _Log) -> Found:
    answered: dict[str, set[int]] = defaultdict(set)
    for reply in log.evidence.replies:
        if reply.execution_id is not None:
            answered[reply.key].add(reply.execution_id)
    for key, executions in answered.items():
        if executions != {log.evidence.keys.get(key)}:
            yield "I3", f"key {key} was answered with {sorted(executions)}"
    for execution_id in log.executions - set(log.evidence.keys.values()):
        yield "I3", f"execution {execution_id} belongs to no key"
    for execution_id, number in Counter(log.evidence.keys.values()).items():
        if number > 1:
            yield "I3", f"execution {execution_id} belongs to {number} keys"


def _notified(log: _Log) -> Found:
    present = log.evidence.message_ids
    for message_id, number in Counter(present).items():
        if number > 1:
            yield "I4", f"the stream holds {message_id} {number} times"
    ever = {*present, *log.evidence.lost_message_ids}
    for command_id, execution_id in log.live_commands.items():
        if execution_id in log.evidence.parked:
            if not log.evidence.parked[execution_id]:
                yield "I4", f"command {command_id} was given up without a reason"
        elif command_id not in ever:
            # A renotification does not make up for it: that one comes later than is promised.
            yield "I4", f"command {command_id} was never notified under its own id"
        elif not _is_among(command_id, present):
            yield "I4", f"command {command_id} is not notified any more"


def _notified_in_time(log: _Log) -> Found:
    live = log.live_commands
    for bound in log.evidence.bounds:
        for command_id in bound.due:
            if command_id in live and not _is_among(command_id, bound.arrived):
                yield "I4", f"command {command_id} was not notified in {bound.minutes} minutes"


def _is_among(command_id: str, message_ids: Collection[str]) -> bool:
    renotified = f"{command_id}:"
    return command_id in message_ids or any(one.startswith(renotified) for one in message_ids)


def _refused(log: _Log) -> Found:
    statuses: dict[str, set[int]] = defaultdict(set)
    unknown = {reply.key for reply in log.evidence.replies if reply.status is None}
    for reply in log.evidence.replies:
        if reply.status is not None:
            statuses[reply.key].add(reply.status)
    for key in log.evidence.keys:
        if key not in unknown and all(400 <= status < 500 for status in statuses[key]):
            yield "I5", f"key {key} is recorded, and was answered with {sorted(statuses[key])}"
    recorded = set(log.evidence.keys.values())
    for where, executions in (
        ("the log", log.executions),
        ("the commands", set(log.evidence.commands)),
        ("the outbox", set(log.evidence.waiting)),
    ):
        for execution_id in executions - recorded:
            yield "I5", f"{where} holds execution {execution_id}, which nobody has started"


def _secret(evidence: Evidence) -> Found:
    for text in evidence.texts:
        forbidden = evidence.secrets if text.holds_input else evidence.secrets + evidence.inputs
        if any(secret in text.content for secret in forbidden):
            yield "I6", f"{text.where} holds a secret"


def _served(evidence: Evidence) -> Found:
    for reply in evidence.replies:
        if reply.status is None and not reply.was_killed:
            yield "I7", f"the request under {reply.key} was not answered"
        elif reply.status is not None and reply.status not in reply.deserved:
            yield "I7", f"the request under {reply.key} was answered with {reply.status}"
    for error in evidence.relay_errors:
        yield "I7", f"a relay ended with {error}"
