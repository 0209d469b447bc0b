"""What a deployment sets: environment variables, read once, checked at start-up.

One model per function, each with no more than the function needs; a test holds the models, the
template and the README's table together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from control_plane.errors import ConfigurationError
from control_plane.limits import Limits


def _words(value: object) -> object:
    return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value


class Settings(BaseModel):
    """The base: frozen, each field named after its environment variable in lower case."""

    # Of the models below a function needs one, and its cold start builds no other.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings; an empty variable counts as absent.

        :raises ConfigurationError: names each variable that is missing or malformed
        """
        given: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if field.annotation is Limits:
                given[name] = {key: value for key, value in environment.items() if value}
            elif environment.get(name.upper()):
                given[name] = environment[name.upper()]
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = [
                f"{str(item['loc'][-1]).upper()}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            ]
        raise ConfigurationError("; ".join(problems))


class DatabaseSettings(Settings):
    """Where the database is."""

    database_url: str = Field(min_length=1)
    """``postgresql://user@host:port/name?sslmode=…``; a password only where it is no secret."""
    database_auth: Literal["iam", "secret", "url"] | None = None
    """How to log in: with tokens of RDS for the URL's user, with the secret, or as the URL says.

    Left out, it is ``secret`` where there is one and else ``url``.
    """
    database_secret_arn: str | None = None
    """Secrets Manager: ``{"username": …, "password": …}``, overrides those of the URL."""


class NatsSettings(Settings):
    """Where NATS is; without a URL, notifications wait in the outbox."""

    nats_url: str | None = None
    """``nats://host:4222`` or ``tls://…``, several with commas."""
    nats_secret_arn: str | None = None
    """Secrets Manager: one login of those that `control_plane.credentials.LOGINS` lists."""
    nats_tls_hostname: str | None = None
    """The name in the servers' certificate, where they are reached by another."""
    nats_stream: str = "noetl_commands"
    """Name of the stream, used only where one is created."""
    nats_manage_stream: bool = False
    """Create the stream, or add the missing subject to it."""


class ExecuteSettings(DatabaseSettings, NatsSettings):
    """What ``functions/execute`` needs."""

    limits: Limits = Field(default_factory=Limits)
    public_server_url: str = Field(min_length=1)
    """Where workers fetch and claim: the NoETL server on the same database."""
    allowed_execution_pools: Annotated[frozenset[str], BeforeValidator(_words)] = frozenset(
        {"shared"}
    )
    """Execution pools that a request may name, separated by commas."""
    idempotency_days: int = Field(14, ge=1, le=365)
    """How long a key is held."""
    playbook_cache_bytes: int = Field(4 * 1024 * 1024, ge=0)
    """Text of the playbooks that a sandbox keeps parsed, which take about seven times as much."""


class TriggerSettings(ExecuteSettings):
    """What ``functions/trigger`` needs: all that starting takes, and what is its own."""

    dead_letter_queue_url: str | None = None
    """Queue for copies of messages that can never start; without one they are retried in vain."""
    default_path: str | None = None
    """Catalog path for AWS's events that name no playbook."""


class RelaySettings(DatabaseSettings, NatsSettings):
    """What ``functions/relay`` needs."""

    public_server_url: str = Field(min_length=1)
    """Where workers fetch and claim: the NoETL server on the same database."""
    renotify_after: int = Field(300, ge=120, le=21_600)
    """Seconds in which a worker should claim a command; longer than any start takes to commit."""
    renotify_limit: int = Field(5, ge=1, le=20)
    """How often a command that nobody claims is notified again before it is parked."""
    park_after: int = Field(86_400, ge=3_600)
    """Seconds after which a notification that does not arrive is parked."""


class CatalogSettings(DatabaseSettings):
    """What ``functions/catalog`` needs."""

    limits: Limits = Field(default_factory=Limits)


class ExecutionsSettings(DatabaseSettings):
    """What ``functions/executions`` needs."""

    limits: Limits = Field(default_factory=Limits)


class MigrateSettings(DatabaseSettings):
    """What ``functions/migrate`` needs: an owner's login, not the app's."""

    app_role: str = Field("noetl_serverless_app", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    """The role that the functions log in as."""
    app_role_uses_iam: bool = False
    """Whether that role logs in with tokens of RDS, and with no password any more."""


class PreTrafficSettings(Settings):
    """What ``functions/pre_traffic`` needs."""

    new_version: str = Field(min_length=1)
    """The version of the execute function that is about to get traffic, as an ARN."""
