"""Logins in Secrets Manager; its client is a double, since only Lambda's runtime brings it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from control_plane.credentials import LoginUnreadable, login_from_secret


class Denied(Exception):
    response: dict[str, dict[str, str]] = {}  # noqa: RUF012  botocore has it on some errors


class GetParameterError(Exception):
    pass


class TransformParameterError(Exception):
    pass


@pytest.fixture
def vault(monkeypatch):
    """Powertools' parameters utility: `secret` is what it finds, or the error it meets."""
    vault = SimpleNamespace(secret=None, asked=None, limits=None)

    class SecretsProvider:
        def __init__(self, boto_config):
            vault.limits = boto_config

        def get(self, name, **options):
            vault.asked = (name, options)
            if isinstance(vault.secret, Exception):
                try:
                    raise Denied("denied to secret-marker")  # noqa: TRY301
                except Denied:
                    raise vault.secret  # noqa: B904  as Powertools does
            return vault.secret

    parameters = ModuleType("parameters")
    parameters.SecretsProvider = SecretsProvider
    parameters.exceptions = SimpleNamespace(
        GetParameterError=GetParameterError, TransformParameterError=TransformParameterError
    )
    utilities = ModuleType("aws_lambda_powertools.utilities")
    utilities.parameters = parameters
    config = ModuleType("botocore.config")
    config.Config = SimpleNamespace
    monkeypatch.setitem(sys.modules, "aws_lambda_powertools.utilities", utilities)
    monkeypatch.setitem(sys.modules, "botocore.config", config)
    return vault


@pytest.mark.parametrize(
    "login",
    [
        {"username": "app", "password": "p"},
        {"username": "app", "password": "p", "ca": "MII="},
        {"token": "t"},
        {"creds": "c"},
        {"nkey": "SU"},
    ],
    ids="+".join,
)
def test_a_login_is_returned_without_the_rest_of_its_secret(vault, login):
    vault.secret = login | {"engine": "postgres", "port": 5432}
    assert login_from_secret("arn:1") == login


def test_the_secret_is_asked_for_anew_and_not_for_long(vault):
    vault.secret = {"token": "t"}
    login_from_secret("arn:1")
    assert vault.asked == ("arn:1", {"transform": "json", "force_fetch": True})
    longest = vault.limits.connect_timeout + vault.limits.read_timeout
    assert longest * vault.limits.retries["total_max_attempts"] <= 5


@pytest.mark.parametrize("secret", [None, [], "text", {}, {"username": "app"}, {"token": ""}])
def test_a_secret_without_a_login_is_refused(vault, secret):
    vault.secret = secret
    with pytest.raises(LoginUnreadable, match="neither username and password nor token"):
        login_from_secret("arn:1")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (GetParameterError("secret-marker"), "the secret cannot be read: Denied"),
        (TransformParameterError("secret-marker"), "the secret is not JSON"),
    ],
)
def test_why_it_cannot_be_read_is_told_without_what_it_holds(vault, error, told):
    vault.secret = error
    with pytest.raises(LoginUnreadable) as caught:
        login_from_secret("arn:1")
    assert str(caught.value) == told
