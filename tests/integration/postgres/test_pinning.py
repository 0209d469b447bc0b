"""Nothing ties a connection to one client, so RDS Proxy and PgBouncer can share it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from control_plane.ports import CatalogReference
from control_plane.postgres.connection import Database
from control_plane.postgres.executions import PostgresExecutionStore
from control_plane.settings import DatabaseSettings
from tests.contract.fake_store import a_start
from tests.proxies.postgres import PostgresProxy

PINS = re.compile(
    rb"\b(PREPARE|DEALLOCATE|LISTEN|DISCARD|TEMP|DECLARE|SET (?!LOCAL))", re.IGNORECASE
)


def start_some(database, postgres, count=8):
    """More than five, after which the driver would prepare."""
    entry = postgres.add_entry("examples/pinned", 1, "kind: Playbook", None)
    store = PostgresExecutionStore(database, hold_days=14)
    for turn in range(count):
        key = f"http:anonymous:pin-{turn}"
        ids = store.resolve(key, CatalogReference(None, "examples/pinned"), None).ids
        start = a_start(ids, entry, key)
        assert store.record(start) is None
        store.acknowledge(start)


def test_nothing_is_prepared_or_set_from_the_first_byte_on(app_database_url, postgres):
    with PostgresProxy(app_database_url) as wire:
        database = Database(DatabaseSettings(database_url=wire.url))
        assert database.probe() == ("ok", "ok")
        start_some(database, postgres)
        database.close()
        sent = wire.take()
    parsed = [body for kind, body in sent if kind == b"P"]
    simple = [body for kind, body in sent if kind == b"Q"]
    assert len(parsed) >= 16
    assert all(body.startswith(b"\0") for body in parsed)  # the statement without a name
    texts = [re.sub(rb"--.*", b"", body) for body in parsed + simple]
    assert [text for text in texts if PINS.search(text)] == []
    assert b"C" not in {kind for kind, _ in sent}  # nothing prepared is closed either


def answers(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def pooled_url(app_database_url, tmp_path):
    """PgBouncer with one server connection for everybody, given back after each transaction."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    given = conninfo_to_dict(app_database_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "users").write_text(f'"{given["user"]}" "{given["password"]}"\n')
    (tmp_path / "ini").write_text(
        "[databases]\n"
        f"{given['dbname']} = host={given['host']} port={given['port']}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = plain\nauth_file = {tmp_path / 'users'}\n"
        "pool_mode = transaction\ndefault_pool_size = 1\n"
    )
    for path in (tmp_path, *tmp_path.parents):
        if path.name.startswith("pytest-"):
            path.chmod(0o755)
    tmp_path.chmod(0o755)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, "-q", *user, tmp_path / "ini"], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 10
        while not answers(port):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield make_conninfo(app_database_url, host="127.0.0.1", port=port)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_two_sandboxes_share_one_connection_of_a_transaction_pool(pooled_url, postgres):
    one, other = (Database(DatabaseSettings(database_url=pooled_url)) for _ in range(2))
    try:
        assert one.probe() == other.probe() == ("ok", "ok")
        start_some(one, postgres)
        assert other.probe() == ("ok", "ok")
        backends = set()
        for _ in range(2):
            with psycopg.connect(pooled_url, autocommit=True, prepare_threshold=None) as peer:
                backends.add(peer.execute("SELECT pg_backend_pid()").fetchone())
        assert len(backends) == 1
    finally:
        one.close()
        other.close()
