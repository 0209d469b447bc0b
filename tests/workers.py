"""How `make test` shares suites out to its workers: whole, since each has servers of its own."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

CONTAINERS = {"cli", "emulator", "sam"}
"""Suites that share a base image and its containers, and so a worker."""


class SuiteScheduling(LoadScopeScheduling):
    """Gives a worker one suite after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return suite_of(nodeid)


def suite_of(nodeid: str) -> str:
    """Return the suite of a test, the name of its folder in ``tests/``."""
    _, suite, *inner = nodeid.partition("::")[0].split("/")
    if suite == "integration" and len(inner) > 1:
        return f"{suite}/{inner[0]}"
    return "containers" if suite in CONTAINERS else suite


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SuiteScheduling:
    """Take the scheduling above for any number of workers."""
    return SuiteScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the suites that take longest, so that no worker is alone at the end."""
    items.sort(key=lambda item: suite_of(item.nodeid) != "containers")
