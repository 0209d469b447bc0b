"""A page costs what the page is worth, however much is in the log and in the catalog."""

from __future__ import annotations

import pytest

from bench.listing import (
    EVENTS_PER_EXECUTION,
    FILL_CATALOG,
    PLAYBOOKS,
    VERSIONS,
    blocks,
    explain,
    fill,
    pages,
)
from control_plane.monitor.execution_log import ExecutionFilter
from control_plane.monitor.execution_status import Status

SMALL, LARGE = 200, 2_000
"""Executions in the log before and after."""


@pytest.fixture
def owner(postgres):
    postgres.owner.execute(FILL_CATALOG, {"playbooks": PLAYBOOKS, "versions": VERSIONS})
    return postgres.owner


def scans(plan):
    """Return every table that a plan reads from end to end."""
    own = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return own.union(*(scans(part) for part in plan.get("Plans", [])))


def test_no_page_reads_more_because_the_log_has_grown(owner):
    fill(owner, 1, SMALL)
    before = {
        name: blocks(explain(owner, *wanted, "FORMAT JSON"))
        for name, wanted in pages(SMALL).items()
    }
    fill(owner, SMALL + 1, LARGE)
    for name, wanted in pages(LARGE).items():
        plan = explain(owner, *wanted, "FORMAT JSON")
        assert "event_default" not in scans(plan[0][0]["Plan"]), name
        if wanted[0].status is None and wanted[0].path is None:
            assert blocks(plan) < 1.5 * before[name], name


def test_a_page_of_a_status_reads_no_more_than_it_may(owner, postgres):
    fill(owner, 1, LARGE)
    log = postgres.execution_log(most_read=100)
    page = log.page(ExecutionFilter(status=Status.RUNNING), 50)
    assert page.executions == ()
    assert page.end.execution_id == (LARGE - 99) << 23
    assert owner.execute("SELECT count(*) FROM noetl.event").fetchone() == (
        LARGE * EVENTS_PER_EXECUTION,
    )


def test_a_path_with_ten_thousand_versions_is_listed_and_found(owner, postgres):
    owner.execute(
        "INSERT INTO noetl.catalog (catalog_id, path, version, kind, content)"
        " SELECT 1000000 + n, 'bench/many', n, 'playbook', 'kind: Playbook'"
        " FROM generate_series(1, 10000) AS n"
    )
    owner.execute(
        "INSERT INTO noetl.event (execution_id, event_id, catalog_id, event_type)"
        " SELECT n, 1, 1000000 + n, 'playbook_started' FROM generate_series(1, 10000, 500) AS n"
    )
    owner.execute("ANALYZE noetl.catalog, noetl.event")
    store, log = postgres.catalog_store(), postgres.execution_log()
    newest = store.page("playbook", 100, 1_000_000, None)
    assert [entry.version for entry in newest.entries] == list(range(10_000, 9_900, -1))
    assert newest.has_more
    assert store.find(None, "bench/many", None).version == 10_000
    assert store.find(None, "bench/many", 17).catalog_id == 1_000_017
    assert len(log.page(ExecutionFilter(path="bench/many"), 50).executions) == 20
    running = ExecutionFilter(path="bench/many", status=Status.RUNNING)
    assert len(log.page(running, 50).executions) == 20
