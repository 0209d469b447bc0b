"""Who may publish, and what is never sent in the clear."""

from __future__ import annotations

import subprocess
import threading
from urllib.parse import urlsplit

import pytest

from control_plane.credentials import LoginUnreadable
from control_plane.errors import NotificationFailed
from control_plane.jetstream.servers import Login, NatsServer

USERS = """
accounts: {{
  ours: {{
    jetstream: enabled
    users: [
      {{user: admin, password: admin}}
      {{
        user: writer
        password: writer
        permissions: {{publish: [{publish}], subscribe: [{subscribe}]}}
      }}
    ]
  }}
}}
"""


def url_for(server, login):
    return f"nats://{login}@127.0.0.1:{server.port}"


def login_of(server):
    url = urlsplit(server.url)
    return url.username, url.password


@pytest.fixture
def start_with_permissions(start_server, broker_of):
    def start(publish='"noetl.commands.>"', subscribe='"_INBOX.>"'):
        server = start_server(USERS.format(publish=publish, subscribe=subscribe), auth=False)
        broker = broker_of(server, url_for(server, "admin:admin"))
        broker.add_stream()
        return url_for(server, "writer:writer"), broker

    return start


@pytest.mark.parametrize("login", ["", "noetl:wrong@", "token@"])
def test_a_wrong_login_is_a_failure_that_does_not_repeat_it(
    nats_server, make_notifier, notification, login
):
    notifier = make_notifier(f"nats://{login}127.0.0.1:{nats_server.port}")

    with pytest.raises(NotificationFailed, match=r"^NATS refuses the login$"):
        notifier.notify(notification)
    assert notifier.probe() == "unreachable"


def test_a_token_logs_in(start_server, make_notifier, broker_of, notification):
    server = start_server("authorization: {token: s3cret}", auth=False)
    url = url_for(server, "s3cret")
    broker_of(server, url).add_stream()

    make_notifier(url).notify(notification)

    assert broker_of(server, url).notifications() == [notification]


def test_a_password_in_the_url_is_percent_decoded():
    server = NatsServer.from_url("nats://us%40er:p%3A%2F%40ss@[::1]")

    assert server.login == Login("us@er", "p:/@ss")
    assert server.address == "nats://[::1]:4222"
    assert "ss" not in repr(server.login)


def test_a_secret_overrides_the_login_of_the_url(broker, nats_server, make_notifier, notification):
    broker.add_stream()
    user, password = login_of(nats_server)
    secrets = {"arn:nats": {"username": user, "password": password}}
    notifier = make_notifier(
        url_for(nats_server, "noetl:wrong"),
        nats_secret_arn="arn:nats",
        read_secret=secrets.__getitem__,
    )

    notifier.notify(notification)

    assert broker.notifications() == [notification]


def test_a_rotated_secret_is_read_again(start_server, make_notifier, broker_of, notification):
    server = start_server("authorization: {token: second}", auth=False)
    broker_of(server, url_for(server, "second")).add_stream()
    tokens = iter(["first", "second"])
    notifier = make_notifier(
        f"nats://127.0.0.1:{server.port}",
        nats_secret_arn="arn:nats",
        read_secret=lambda arn: {"token": next(tokens)},
    )
    with pytest.raises(NotificationFailed, match=r"^NATS refuses the login$"):
        notifier.notify(notification)

    notifier.notify(notification)

    assert broker_of(server, url_for(server, "second")).notifications() == [notification]


def test_a_secret_that_is_rotated_under_a_running_sandbox_costs_no_notification(
    start_server, make_notifier, broker_of, notification
):
    server = start_server("authorization: {token: first}", auth=False)
    broker_of(server, url_for(server, "first")).add_stream()
    tokens = iter(["first", "second"])
    notifier = make_notifier(
        f"nats://127.0.0.1:{server.port}",
        nats_secret_arn="arn:nats",
        read_secret=lambda arn: {"token": next(tokens)},
    )
    notifier.notify(notification)
    server.stop()
    start_server("authorization: {token: second}", auth=False, port=server.port)
    broker_of(server, url_for(server, "second")).add_stream()

    notifier.notify(notification)

    assert broker_of(server, url_for(server, "second")).notifications() == [notification]


def test_a_secret_without_a_login_is_a_failure(nats_server, make_notifier, notification):
    def refuse(arn):
        raise LoginUnreadable("the secret is not JSON")

    notifier = make_notifier(nats_server.url, nats_secret_arn="arn:nats", read_secret=refuse)

    with pytest.raises(NotificationFailed, match=r"cannot be read: the secret is not JSON$"):
        notifier.notify(notification)


def test_a_secret_that_comes_late_serves_the_next_notification(
    broker, nats_server, make_notifier, notification
):
    broker.add_stream()
    may_come, has_come = threading.Event(), threading.Event()

    def read_slowly(arn):
        may_come.wait(10)
        has_come.set()
        return dict(zip(("username", "password"), login_of(nats_server), strict=True))

    notifier = make_notifier(
        nats_server.url, nats_secret_arn="arn:nats", read_secret=read_slowly, budget=1.0
    )
    with pytest.raises(NotificationFailed, match=r"^the login for NATS cannot be read$"):
        notifier.notify(notification)
    may_come.set()
    assert has_come.wait(10)

    notifier.notify(notification)

    assert broker.notifications() == [notification]


def test_a_login_that_may_only_publish_is_enough(
    start_with_permissions, make_notifier, notification
):
    url, broker = start_with_permissions()
    notifier = make_notifier(url)

    notifier.notify(notification)

    assert broker.notifications() == [notification]
    assert notifier.probe() == "ok"
    notifier.notify(notification)


@pytest.mark.parametrize(
    "denied", [{"publish": '"elsewhere"'}, {"subscribe": '"elsewhere"'}], ids=str
)
def test_a_denied_publish_or_answer_is_said_each_time(
    start_with_permissions, make_notifier, notification, denied
):
    url, _ = start_with_permissions(**denied)
    notifier = make_notifier(url)

    for _ in range(2):
        with pytest.raises(NotificationFailed, match=r"^NATS denies the permission$"):
            notifier.notify(notification)


def test_tls_is_insisted_on_before_anything_is_sent(
    nats_server, make_notifier, proxy_to, notification
):
    proxy = proxy_to(nats_server.url)
    notifier = make_notifier(proxy.url.replace("nats://", "tls://"))

    with pytest.raises(NotificationFailed, match=r"^cannot connect to NATS: no trusted TLS$"):
        notifier.notify(notification)
    assert proxy.connections == 1
    assert proxy.seen == b""


@pytest.fixture
def tls_server(start_server, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", key, "-out", certificate, "-subj", "/CN=nats"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    server = start_server(f'tls: {{cert_file: "{certificate}", key_file: "{key}"}}')
    return server.url.replace("nats://", "tls://"), certificate


def test_a_trusted_certificate_is_taken(tls_server, make_notifier, notification, monkeypatch):
    url, certificate = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    notifier = make_notifier(url, nats_manage_stream=True)

    notifier.notify(notification)
    notifier.notify(notification)

    assert notifier.probe() == "ok"


def test_an_unknown_certificate_is_refused(tls_server, make_notifier, notification):
    url, _ = tls_server

    with pytest.raises(NotificationFailed, match=r"^cannot connect to NATS: no trusted TLS$"):
        make_notifier(url).notify(notification)


def test_a_silently_lost_tls_connection_is_not_waited_for(
    tls_server, make_notifier, proxy_to, notification, monkeypatch
):
    url, certificate = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    proxy = proxy_to(url)
    notifier = make_notifier(proxy.url, nats_manage_stream=True)
    notifier.notify(notification)

    proxy.lose_packets()
    notifier.notify(notification)

    assert proxy.ends(1)
