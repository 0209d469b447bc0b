"""The settings of ``functions/execute``."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from control_plane.limits import Limits
from control_plane.settings import DatabaseSettings, NatsSettings


def _words(value: object) -> object:
    return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value


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
    """Text of the playbooks that a sandbox keeps.

    With its compiled steps a usual playbook takes up to six times as much memory, one of many short
    steps or templates up to 25 times, half of it for those steps, and one of nothing but tiny
    objects about 50 times.
    """
