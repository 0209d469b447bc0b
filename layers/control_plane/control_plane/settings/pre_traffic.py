"""The settings of ``functions/pre_traffic``."""

from pydantic import Field

from control_plane.settings import Settings


class PreTrafficSettings(Settings):
    """What ``functions/pre_traffic`` needs."""

    new_version: str = Field(min_length=1)
    """The version of the execute function that is about to get traffic, as an ARN."""
