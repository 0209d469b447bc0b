"""Who may publish, and what is never sent in the clear."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from urllib.parse import urlsplit

import nkeys
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


def test_a_login_in_secrets_manager_may_change_between_two_notifications(
    start_server, make_notifier, broker_of, notification, secrets_manager
):
    server = start_server("authorization: {token: first}", auth=False)
    broker_of(server, url_for(server, "first")).add_stream()
    secret = secrets_manager({"token": "first"})
    notifier = make_notifier(f"nats://127.0.0.1:{server.port}", nats_secret_arn=secret.arn)
    notifier.notify(notification)
    server.stop()
    start_server("authorization: {token: second}", auth=False, port=server.port)
    broker_of(server, url_for(server, "second")).add_stream()
    secret.put({"token": "second"})

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


def trust_of(folder, name, alternative="IP:127.0.0.1"):
    key, certificate = folder / f"{name}.key.pem", folder / f"{name}.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", key, "-out", certificate, "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={alternative}"),
        ],
        check=True,
        capture_output=True,
    )
    return key, certificate


@pytest.fixture
def tls_server(start_server, tmp_path):
    key, certificate = trust_of(tmp_path, "nats")
    server = start_server(f'tls: {{cert_file: "{certificate}", key_file: "{key}"}}')
    return server.url.replace("nats://", "tls://"), certificate


def test_a_trusted_certificate_is_taken(tls_server, make_notifier, notification, monkeypatch):
    url, certificate = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    notifier = make_notifier(url, nats_manage_stream=True)

    notifier.notify(notification)
    notifier.notify(notification)

    assert notifier.probe() == "ok"


def authority_of(certificate):
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(certificate.read_text())).decode()


@pytest.fixture
def by_secret(make_notifier):
    def by_secret(url, *secrets, **settings):
        left = list(secrets)
        return make_notifier(
            url,
            nats_secret_arn="arn:nats",
            read_secret=lambda arn: left.pop(0) if len(left) > 1 else left[0],
            **settings,
        )

    return by_secret


def login_and_address(url):
    parts = urlsplit(url)
    login = {"username": parts.username, "password": parts.password}
    return login, f"tls://127.0.0.1:{parts.port}"


def test_the_authority_in_the_secret_is_trusted(tls_server, by_secret, notification):
    url, certificate = tls_server
    login, address = login_and_address(url)
    notifier = by_secret(
        address, login | {"ca": authority_of(certificate)}, nats_manage_stream=True
    )
    notifier.notify(notification)
    assert notifier.probe() == "ok"


def test_the_authority_in_the_secret_is_trusted_alone(
    tls_server, by_secret, notification, monkeypatch, tmp_path
):
    url, certificate = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    login, address = login_and_address(url)
    other = trust_of(tmp_path, "other")[1]
    with pytest.raises(NotificationFailed, match=r"no trusted TLS$"):
        by_secret(address, login | {"ca": authority_of(other)}).notify(notification)


@pytest.mark.parametrize("ca", ["?", "MIIB"])
def test_an_authority_that_is_none_is_said(tls_server, by_secret, notification, ca):
    login, address = login_and_address(tls_server[0])
    with pytest.raises(NotificationFailed, match=r"^the login for NATS cannot be read: .* ca is"):
        by_secret(address, login | {"ca": ca}).notify(notification)


def test_a_server_that_is_reached_by_another_name_is_known_by_its_certificate(
    start_server, by_secret, notification, tmp_path
):
    key, certificate = trust_of(tmp_path, "named", "DNS:nats.noetl.internal")
    server = start_server(f'tls: {{cert_file: "{certificate}", key_file: "{key}"}}')
    login, address = login_and_address(server.url)
    secret = login | {"ca": authority_of(certificate)}
    with pytest.raises(NotificationFailed, match=r"no trusted TLS$"):
        by_secret(address, secret).notify(notification)

    by_secret(
        address, secret, nats_tls_hostname="nats.noetl.internal", nats_manage_stream=True
    ).notify(notification)


@pytest.fixture
def nkey_seed():
    return nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)


def test_an_nkey_logs_in_and_another_one_does_not(start_server, by_secret, notification, nkey_seed):
    public = nkeys.from_seed(bytearray(nkey_seed)).public_key.decode()
    server = start_server(
        f"accounts: {{ours: {{jetstream: enabled, users: [{{nkey: {public}}}]}}}}", auth=False
    )
    address = f"nats://127.0.0.1:{server.port}"
    by_secret(address, {"nkey": nkey_seed.decode()}, nats_manage_stream=True).notify(notification)

    other = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode()
    with pytest.raises(NotificationFailed, match=r"^NATS refuses the login$"):
        by_secret(address, {"nkey": other}).notify(notification)


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
