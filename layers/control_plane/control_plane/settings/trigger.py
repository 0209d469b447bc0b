"""The settings of ``functions/trigger``."""

from control_plane.settings.execute import ExecuteSettings


class TriggerSettings(ExecuteSettings):
    """What ``functions/trigger`` needs: all that starting takes, and what is its own."""

    dead_letter_queue_url: str | None = None
    """Queue for copies of messages that can never start; without one they are retried in vain."""
    default_path: str | None = None
    """Catalog path for AWS's events that name no playbook."""
