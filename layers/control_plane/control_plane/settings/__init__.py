"""What a deployment sets: environment variables, read once, checked at start-up.

One model per function, in a module of its own, with no more than the function needs: its cold start
makes no other. A test holds the models, the template and the README's table together.
"""

# No `from __future__ import annotations` in these modules: making a model parses each such text.

import os
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_plane.errors import ConfigurationError
from control_plane.limits import Limits


class Settings(BaseModel):
    """The base: frozen, each field named after its environment variable in lower case."""

    # Built when it is read, and so no base by itself.
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
