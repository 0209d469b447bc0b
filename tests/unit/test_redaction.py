"""What leaves a log line and what stays; both error rates are counted over the corpus."""

from __future__ import annotations

import io

import pytest

from control_plane.observability import logger
from control_plane.redaction import redacted, redacted_line, redacted_text

MARK = "s3cr3tMarker"
TOKEN = f"eyJhbGciOiJI.eyJzdWIiOiIx{MARK}.{MARK}"

SECRETS = [
    f"could not connect to postgresql://app:{MARK}@db.example.com/noetl",
    f"postgres://:{MARK}@db/noetl?sslmode=require",
    f"nats://{MARK}@nats:4222 refused",
    f"tls://user:{MARK}@nats:4222",
    f"https://user:{MARK}@example.com/path",
    f"Authorization: Bearer {MARK}",
    f"authorization: basic {MARK}==",
    f"db:5432/?Action=connect&DBUser=app&X-Amz-Signature={MARK}",
    f"X-Amz-Security-Token={MARK}&X-Amz-Date=20260102T030405Z",
    f"X-Amz-Credential={MARK}/20260102",
    f"-----BEGIN RSA PRIVATE KEY-----\n{MARK}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{MARK}",
    f"the caller sent {TOKEN}",
    f"host=db user=app password={MARK} dbname=noetl",
    f"password='{MARK}'",
    f'{{"username": "app", "password": "{MARK}"}}',
    f"{{'token': '{MARK}'}}",
    f'{{\\"client_secret\\": \\"{MARK}\\"}}',
    f"db_password={MARK}",
    f"API_KEY={MARK}",
    f"aws_secret_access_key={MARK}",
    f"?access_token={MARK}&x=1",
]
"""Each holds the marker, which must go."""

SHAPED = ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "SU" + "A2" * 28]
"""Secrets that are known by their shape alone."""

HARMLESS = [
    "execution started",
    "password authentication failed for user",
    "The database refuses the login; try again",
    "DATABASE_SECRET_ARN: is needed for DATABASE_AUTH=secret",
    "DATABASE_URL: is not a PostgreSQL URL",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:noetl-app-AbCdEf",
    "the secret holds neither username and password nor token",
    "postgresql://app@db.example.com:5432/noetl?sslmode=verify-full",
    "nats://nats.example.com:4222,tls://[::1]:4222",
    "mail to someone@example.com at 12:30",
    "noetl.commands.shared.325789123456789012",
    "325789123456789012:start:325789123456789013",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "examples/hello_world",
    "system/token_rotation",
    "idempotency_key=order-17",
    "page_token=MTIz",
    "next_token=MTIz",
    "token: expected a string",
    "basic auth",
    "tokens=12",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "SELECT key FROM noetl_serverless.outbox",
]


def test_both_error_rates_over_the_corpus_are_nought(capsys):
    kept = [text for text in SECRETS if MARK in redacted_text(text)]
    kept += [text for text in SHAPED if text in redacted_text(f"found {text} here")]
    lost = [text for text in HARMLESS if redacted_text(text) != text]
    with capsys.disabled():
        print(
            f"\nredaction: {len(kept)} of {len(SECRETS) + len(SHAPED)} secrets kept,"
            f" {len(lost)} of {len(HARMLESS)} harmless texts changed"
        )
    assert (kept, lost) == ([], [])


@pytest.mark.parametrize("name", ["password", "token", "DB_PASSWORD", "authorization", "nkey"])
def test_a_field_with_a_secret_s_name_is_emptied_however_deep(name):
    line = {"payload": [{name: MARK, "path": "a/b"}]}
    assert redacted(line) == {"payload": [{name: "***", "path": "a/b"}]}


def test_what_is_no_text_stays():
    line = {"level": "INFO", "cold_start": True, "tokens": 3, "password": None}
    assert redacted(line) == line


def test_where_the_secret_was_can_still_be_told():
    assert redacted_text("postgresql://app:x@db/noetl") == "postgresql://app:***@db/noetl"


def test_a_long_text_is_read_in_linear_time():
    assert redacted_text("a_" * 50_000) == "a_" * 50_000


@pytest.mark.parametrize("text", [*SECRETS, *SHAPED])
def test_a_line_is_looked_through_whichever_secret_it_holds(text):
    line = redacted_line({"message": f"found {text}"})
    assert MARK not in line
    assert text not in line


def test_the_log_goes_through_it_with_what_an_error_quotes(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    try:
        raise ValueError(f"postgresql://app:{MARK}@db")  # noqa: TRY301
    except ValueError:
        logger.exception("failed", extra={"password": MARK, "url": f"nats://{MARK}@nats"})
    assert '"password":"***"' in written.getvalue()
    assert MARK not in written.getvalue()
