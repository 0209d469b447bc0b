"""Counts histories and violations, and prints the sum: a plugin of pytest.

What a test has found travels with its report, for it may run in another process.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.faults.evidence import Violation

_PROPERTY = "violations"


class Tally:
    """What the histories of one test have come to."""

    def __init__(self, test: pytest.Item) -> None:
        self._test = test

    def add(self, violations: Sequence[Violation]) -> None:
        """Count a history."""
        self._test.user_properties.append((_PROPERTY, [str(one) for one in violations]))


class Sum:
    """What all of them have come to."""

    def __init__(self) -> None:
        self._histories: dict[str, list[list[str]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = [list(value) for name, value in report.user_properties if name == _PROPERTY]  # type: ignore[call-overload]
        if found:
            self._histories[report.nodeid.rpartition("::")[2]] = found

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._histories:
            return
        found = [
            f"{test}: {violation}"
            for test, histories in self._histories.items()
            for violations in histories
            for violation in violations
        ]
        number = sum(map(len, self._histories.values()))
        terminalreporter.section("faults")
        terminalreporter.write_line(f"histories {number} violations {len(found)}")
        for line in found:
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Sum())
