"""The settings of ``functions/catalog``."""

from pydantic import Field

from control_plane.limits import Limits
from control_plane.settings import DatabaseSettings


class CatalogSettings(DatabaseSettings):
    """What ``functions/catalog`` needs."""

    limits: Limits = Field(default_factory=Limits)
