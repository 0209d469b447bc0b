"""Bring the database to the schema that this release needs: by hand, or as part of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from control_plane.custom_resource import is_custom_resource, run_for_stack
from control_plane.observability import observed
from control_plane.postgres.migrate import migrate_as_set

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Mapping[str, Any]:
    """Migrate; ``{}`` is answered with ``{"applied": [...], "version": N}``."""

    def work() -> Mapping[str, Any]:
        return migrate_as_set(context.get_remaining_time_in_millis() / 1000)

    return run_for_stack(event, work) if is_custom_resource(event) else work()
