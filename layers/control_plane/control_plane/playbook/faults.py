"""What is wrong with a playbook, collected: the first fault is the message, all are listed."""

from __future__ import annotations

from collections.abc import Iterable

from control_plane.errors import Fault, InvalidPlaybook

MOST_FAULTS = 20
"""More are not looked for."""
_LONGEST_NAME = 60


def quoted(name: str) -> str:
    """Return a name as it may stand in a message: short, printable, in quotes."""
    return repr(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…")


class Faults:
    """Collects faults, up to `MOST_FAULTS`."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def add(self, where: str, problems: Iterable[str]) -> None:
        """Note what is wrong at one place.

        :raises InvalidPlaybook: as many as are worth telling have been found
        """
        for what in problems:
            self._found.append(Fault(where, what))
            if len(self._found) >= MOST_FAULTS:
                self.refuse_any()

    def refuse_any(self) -> None:
        """End here if anything is wrong.

        :raises InvalidPlaybook: the first fault is its message
        """
        if self._found:
            raise InvalidPlaybook(str(self._found[0]), tuple(self._found))
