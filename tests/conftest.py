"""What every suite shares: the fixtures of the real servers, and what a skip means in CI."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = [
    "tests.workers",
    "tests.fixtures_postgres",
    "tests.fixtures_nats",
    "tests.fixtures_noetl",
    "tests.fixtures_sam",
    "tests.faults.tally",
    "tests.fixtures_audit",
    "tests.fixtures_aws",
]

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")

IN_CI = os.environ.get("CI") == "true"

Report = pytest.TestReport | pytest.CollectReport


def _refuse_skip(report: Report) -> Report:
    """In CI nothing may be left out: what was skipped has failed, with the same reason."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was left out, which CI does not allow: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]
