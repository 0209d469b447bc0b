"""The settings of ``functions/relay``."""

from pydantic import Field

from control_plane.settings import DatabaseSettings, NatsSettings


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
