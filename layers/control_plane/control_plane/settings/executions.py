"""The settings of ``functions/executions``."""

from pydantic import Field

from control_plane.limits import Limits
from control_plane.settings import DatabaseSettings


class ExecutionsSettings(DatabaseSettings):
    """What ``functions/executions`` needs."""

    limits: Limits = Field(default_factory=Limits)
