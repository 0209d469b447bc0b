"""The sum of all histories of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.evidence import Violation


@dataclass
class Tally:
    """How many histories were checked, and what was found.

    :ivar name: of the history that is under way
    """

    name: str = ""
    histories: int = 0
    found: list[str] = field(default_factory=list)

    def add(self, violations: Sequence[Violation]) -> None:
        self.histories += 1
        self.found += [f"{self.name}: {violation}" for violation in violations]

    def lines(self) -> list[str]:
        return [f"histories {self.histories} violations {len(self.found)}", *self.found]
