"""The settings of ``functions/migrate``."""

from pydantic import Field

from control_plane.settings import DatabaseSettings


class MigrateSettings(DatabaseSettings):
    """What ``functions/migrate`` needs: an owner's login, not the app's."""

    app_role: str = Field("noetl_serverless_app", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    """The role that the functions log in as."""
    app_role_uses_iam: bool = False
    """Whether that role logs in with tokens of RDS, and with no password any more."""
