"""AWS Secrets Manager, which moto stands in for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws


class Secret:
    """One secret, as its owner rotates it."""

    def __init__(self, login: dict[str, str]) -> None:
        self._client: Any = boto3.client("secretsmanager")
        self.arn: str = self._client.create_secret(Name="login", SecretString=json.dumps(login))[
            "ARN"
        ]

    def put(self, login: dict[str, str]) -> None:
        self._client.put_secret_value(SecretId=self.arn, SecretString=json.dumps(login))


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Secret]]:
    """``secrets_manager({"token": …})`` keeps a secret."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Secret
