"""Tokens of RDS: signed offline, with what botocore brings."""

from __future__ import annotations

import datetime
import hashlib
import hmac

import botocore.auth
import botocore.session
import pytest

from control_plane.credentials import LoginUnreadable, database_token

HOST = "db.abc.eu-central-1.rds.amazonaws.com"
SIGNED_AT = datetime.datetime(2026, 1, 2, 3, 4, 5)


@pytest.fixture
def keys(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-marker")
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: SIGNED_AT)
    return monkeypatch


def signature(canonical: str) -> str:
    """Signature Version 4, as AWS writes it down."""
    day, region, service = "20260102", "eu-central-1", "rds-db"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n20260102T030405Z\n{day}/{region}/{service}/aws4_request\n{digest}"
    key = b"AWS4secret-marker"
    for part in (day, region, service, "aws4_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def test_a_token_is_the_signed_url_of_a_connection_for_a_quarter_of_an_hour(keys):
    query = (
        "Action=connect&DBUser=app%2Brole&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-central-1%2Frds-db%2Faws4_request"
        "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host"
    )
    nothing = hashlib.sha256(b"").hexdigest()
    canonical = f"GET\n/\n{query}\nhost:{HOST}:5432\n\nhost\n{nothing}"

    token = database_token(HOST, 5432, "app+role")

    assert token == f"{HOST}:5432/?{query}&X-Amz-Signature={signature(canonical)}"


def test_the_session_s_token_is_part_of_it_and_the_key_is_not(keys):
    keys.setenv("AWS_SESSION_TOKEN", "session")
    token = database_token(HOST, 5432, "app")
    assert "X-Amz-Security-Token=session" in token
    assert "secret-marker" not in token


def test_without_keys_the_login_is_unknown(keys):
    keys.delenv("AWS_ACCESS_KEY_ID")
    keys.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(LoginUnreadable, match=r"^no token can be signed: \w+$"):
        database_token(HOST, 5432, "app")


def test_keys_are_read_for_each_token(keys):
    first = database_token(HOST, 5432, "app")
    keys.setenv("AWS_ACCESS_KEY_ID", "AKIDANOTHER")
    assert "AKIDEXAMPLE" in first
    assert "AKIDANOTHER" in database_token(HOST, 5432, "app")
