"""Connections that end, or fall silent, at any moment of a start."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from control_plane import invocation
from control_plane.catalog.ports import NewCatalogEntry
from control_plane.errors import StoreUnavailable
from control_plane.json_text import Json
from control_plane.ports import CatalogReference, Lookup
from control_plane.postgres import deadline
from control_plane.postgres.catalog import PostgresCatalogStore
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.postgres.login import CONNECT_SECONDS
from tests.contract.fake_store import a_start
from tests.fixtures_postgres import APP_ROLE, PostgresBackend
from tests.proxies.postgres import PostgresProxy
from tests.proxies.proxy import At

HELLO = CatalogReference(None, "examples/hello")
A_PLAYBOOK = NewCatalogEntry("examples/new", "playbook", "kind: Playbook", Json({}), Json({}))


@pytest.fixture
def entry(postgres: PostgresBackend) -> int:
    return postgres.add_entry("examples/hello", 1, "kind: Playbook", None)


@pytest.fixture
def after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every use of a connection counts as the first one after a long pause."""
    monkeypatch.setattr(deadline, "IDLE_SECONDS", 0.0)


def app_backends(postgres: PostgresBackend) -> list[int]:
    return postgres.column(
        "SELECT pid FROM pg_stat_activity"
        " WHERE usename = 'noetl_serverless_app' AND datname = current_database()"
    )


def terminate(postgres: PostgresBackend) -> None:
    for pid in app_backends(postgres):
        postgres.value("SELECT pg_terminate_backend(%s, 10000)", (pid,))


@contextmanager
def stopped(postgres: PostgresBackend) -> Iterator[None]:
    """Freeze the app's server processes: their sockets stay open and say nothing."""
    # One that is about to leave may hold a lock of the whole server's: not to be stopped then.
    until(lambda: len(app_backends(postgres)) == 1)
    pids = app_backends(postgres)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def until(condition: Callable[[], object]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


def test_a_connection_that_the_server_has_closed_is_not_used(postgres: PostgresBackend, entry: int):
    store = postgres.execution_store()
    ids = store.resolve("k", HELLO, None).ids
    terminate(postgres)
    assert store.record(a_start(ids, entry)) is None
    terminate(postgres)
    assert store.resolve("k", HELLO, None).entry is not None


def test_a_registration_after_the_server_closed_the_connection_is_made_once(
    postgres: PostgresBackend,
):
    store = postgres.catalog_store()
    store.register(A_PLAYBOOK)
    terminate(postgres)
    assert store.register(A_PLAYBOOK).version == 2


def test_a_start_whose_connection_is_cut_while_it_is_recorded_is_recorded(
    postgres: PostgresBackend, database_url: str, entry: int
):
    store = postgres.execution_store()
    start = a_start(store.resolve("k", HELLO, None).ids, entry)
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        f" AND usename = '{APP_ROLE}' AND datname = current_database()"
    )
    # Another one is about to take the key, so the record waits for it.
    with psycopg.connect(database_url) as rival, ThreadPoolExecutor(1) as thread:
        rival.execute(
            "INSERT INTO noetl_serverless.start_request VALUES (%s, '', 1, '{}', now(), now())",
            (start.key,),
        )
        told = thread.submit(store.record, start)
        until(lambda: postgres.value(waiting))
        terminate(postgres)
        until(lambda: postgres.value(waiting))
        rival.rollback()
        assert told.result() is None
    assert postgres.started() == [start.ids.execution_id]


def test_what_is_done_meanwhile_begins_when_the_statement_is_under_way(
    postgres: PostgresBackend, entry: int
):
    with PostgresProxy(postgres.app_url) as wire:
        postgres.app_url = wire.url
        store = postgres.execution_store()
        store.resolve("a", HELLO, None)
        wire.take()
        is_sent = lambda: [body for kind, body in wire.take() if b"resolve_start" in body]  # noqa: E731
        assert store.resolve("b", HELLO, None, meanwhile=lambda: until(is_sent)).entry is not None


def test_what_is_done_meanwhile_is_done_again_when_the_statement_is(
    postgres: PostgresBackend, entry: int
):
    with PostgresProxy(postgres.app_url) as wire:
        postgres.app_url = wire.url
        store = postgres.execution_store()
        done = []
        wire.trap(b"resolve_start", At.LOSE_REPLY)
        found = store.resolve("k", HELLO, None, meanwhile=lambda: done.append("looking"))
        wire.trap(b"record_start", At.LOSE_REPLY)
        start = a_start(found.ids, entry)
        assert store.record(start, meanwhile=lambda: done.append("writing")) is None
    assert done == ["looking"] * 2 + ["writing"] * 2


def test_an_error_meanwhile_leaves_no_answer_to_the_next_statement(
    postgres: PostgresBackend, entry: int
):
    store = postgres.execution_store()
    first = store.resolve("a", HELLO, None).ids
    with pytest.raises(ZeroDivisionError):
        store.resolve("b", HELLO, None, meanwhile=lambda: 1 // 0)
    assert store.record(a_start(first, entry)) is None
    assert postgres.started() == [first.execution_id]


def test_a_start_whose_reply_is_lost_is_asked_for_under_its_key(
    postgres: PostgresBackend, entry: int
):
    with PostgresProxy(postgres.app_url) as wire:
        postgres.app_url = wire.url
        store = postgres.execution_store()
        start = a_start(store.resolve("k", HELLO, None).ids, entry)
        wire.trap(b"record_start", At.LOSE_REPLY)
        assert store.record(start) is None
        statements = [body for kind, body in wire.take() if kind == b"P"]
        assert sum(b"record_start" in body for body in statements) == 2
        assert postgres.started() == [start.ids.execution_id]
        assert postgres.pending() == [start.ids.command_id]


def test_a_batch_whose_reply_is_lost_is_asked_for_under_its_keys(
    postgres: PostgresBackend, entry: int
):
    with PostgresProxy(postgres.app_url) as wire:
        postgres.app_url = wire.url
        store = postgres.execution_store()
        found = store.resolve_many([Lookup(key, HELLO, None) for key in "abc"])
        starts = [a_start(one.ids, entry, key) for one, key in zip(found, "abc", strict=True)]
        wire.trap(b"record_start", At.LOSE_REPLY)
        assert store.record_many(starts) == [None] * 3
        statements = [body for kind, body in wire.take() if kind == b"P"]
        assert sum(b"record_start" in body for body in statements) == 2
        assert len(postgres.started()) == len(postgres.pending()) == 3


def test_a_registration_whose_reply_is_lost_is_not_sent_again(postgres: PostgresBackend):
    with PostgresProxy(postgres.app_url) as wire:
        postgres.app_url = wire.url
        store = postgres.catalog_store()
        store.register(A_PLAYBOOK)
        wire.trap(b"register_playbook", At.LOSE_REPLY)
        with pytest.raises(StoreUnavailable, match="has closed the connection"):
            store.register(A_PLAYBOOK)
        assert postgres.column("SELECT version FROM noetl.catalog ORDER BY 1") == [1, 2]


def test_a_silent_server_is_not_waited_for_beyond_the_budget(postgres: PostgresBackend, entry: int):
    store = PostgresExecutionStore(postgres.database(budget=0.3), hold_days=14)
    ids = store.resolve("k", HELLO, None).ids
    with stopped(postgres):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.record(a_start(ids, entry))
        # The connection was dropped, so the next call has another one.
        assert store.resolve("k", HELLO, None).entry is not None


def test_a_silent_server_is_not_waited_for_beyond_the_invocation(
    postgres: PostgresBackend, entry: int
):
    store = PostgresExecutionStore(postgres.database(budget=600), hold_days=14)
    ids = store.resolve("k", HELLO, None).ids
    with (
        stopped(postgres),
        invocation.lasting(invocation.RESERVE_SECONDS + 0.3),
        pytest.raises(StoreUnavailable, match="does not answer"),
    ):
        store.record(a_start(ids, entry))


def test_after_a_timeout_the_key_tells_what_became_of_the_start(
    postgres: PostgresBackend, entry: int
):
    store = PostgresExecutionStore(postgres.database(budget=0.3), hold_days=14)
    start = a_start(store.resolve("k", HELLO, None).ids, entry)
    with stopped(postgres), pytest.raises(StoreUnavailable):
        store.record(start)
    until(lambda: postgres.started() == [start.ids.execution_id])
    assert store.record(start) is None
    assert postgres.started() == [start.ids.execution_id]


@pytest.mark.usefixtures("after_a_pause")
def test_a_connection_that_went_silent_in_a_pause_is_replaced(
    postgres: PostgresBackend, entry: int
):
    store = PostgresExecutionStore(postgres.database(budget=60), hold_days=14)
    ids = store.resolve("k", HELLO, None).ids
    with stopped(postgres):
        assert store.resolve("k", HELLO, None).entry is not None
    with stopped(postgres):
        assert store.record(a_start(ids, entry)) is None


@pytest.mark.usefixtures("after_a_pause")
def test_a_registration_after_a_silent_pause_is_made_once(postgres: PostgresBackend):
    store = PostgresCatalogStore(postgres.database(budget=60))
    store.register(A_PLAYBOOK)
    with stopped(postgres):
        assert store.register(A_PLAYBOOK).version == 2
    assert postgres.column("SELECT version FROM noetl.catalog ORDER BY 1") == [1, 2]


def test_a_server_that_never_greets_is_given_up(postgres: PostgresBackend):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        postgres.app_url = f"postgresql://app:secret-marker@127.0.0.1:{port}/noetl"
        with pytest.raises(StoreUnavailable, match="does not answer") as caught:
            postgres.execution_store().resolve("k", HELLO, None)
    assert "secret-marker" not in str(caught.value)


def test_connecting_ends_with_the_invocation_however_many_addresses_are_left(
    postgres: PostgresBackend,
):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        addresses = ",".join([f"127.0.0.1:{port}"] * 3)
        postgres.app_url = f"postgresql://app@{addresses}/noetl"
        store = postgres.execution_store()
        begin = time.monotonic()
        with (
            invocation.lasting(invocation.RESERVE_SECONDS + 0.3),
            pytest.raises(StoreUnavailable, match="does not answer"),
        ):
            store.resolve("k", HELLO, None)
    # Each address may take two seconds where nothing else ends it.
    assert time.monotonic() - begin < CONNECT_SECONDS
