"""How `make test` shares suites out to its workers: whole, since each has servers of its own."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

LONGEST = "sam"
"""Every event in a container of its own: as long as all the rest together."""


class SuiteScheduling(LoadScopeScheduling):
    """Gives a worker one suite after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return suite_of(nodeid)


def suite_of(nodeid: str) -> str:
    """Return the suite of a test, the name of its folder in ``tests/``."""
    _, suite, *inner = nodeid.partition("::")[0].split("/")
    return f"{suite}/{inner[0]}" if suite == "integration" and len(inner) > 1 else suite


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SuiteScheduling:
    """Take the scheduling above for any number of workers."""
    return SuiteScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no worker is alone at the end."""
    items.sort(key=lambda item: suite_of(item.nodeid) != LONGEST)
