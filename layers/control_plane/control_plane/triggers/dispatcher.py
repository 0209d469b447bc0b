"""The use case: have messages started, and sort those that were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from control_plane.batches import BatchStarter, Outcome
from control_plane.errors import RequestError
from control_plane.triggers.dead_letters import DeadLetterQueue, dead_letter
from control_plane.triggers.messages import Message


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a message.

    :ivar outcomes: of what it asks for, in order
    :ivar failure: why not all of it stands
    :ivar is_dead: it can never start, and its copy is in the dead-letter queue
    :ivar not_kept: why there is no such copy
    """

    message: Message
    outcomes: list[Outcome]
    failure: Exception | None = None
    is_dead: bool = False
    not_kept: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether it need not be delivered again."""
        return self.failure is None or self.is_dead


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Starts what messages ask for; what can never start goes to the dead-letter queue."""

    starter: BatchStarter
    dead_letters: DeadLetterQueue

    def dispatch(self, messages: Sequence[Message]) -> list[Verdict]:
        """Have all of them started at once; the verdicts are in the order of the messages."""
        outcomes = iter(self.starter.start([item for one in messages for item in one.items]))
        verdicts = [_verdict(one, [next(outcomes) for _ in one.items]) for one in messages]
        letters = {
            place: dead_letter(one.message, one.failure)
            for place, one in enumerate(verdicts)
            if isinstance(one.failure, RequestError)
        }
        if letters:
            problems = self.dead_letters.send(list(letters.values()))
            for place, problem in zip(letters, problems, strict=True):
                is_dead = problem is None
                verdicts[place] = replace(verdicts[place], is_dead=is_dead, not_kept=problem)
        return verdicts


def _verdict(message: Message, outcomes: list[Outcome]) -> Verdict:
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    # What may pass comes first: the message is then looked at again as a whole.
    failures.sort(key=lambda failure: isinstance(failure, RequestError))
    return Verdict(message, outcomes, failures[0] if failures else None)
