"""The hook that CodeDeploy calls before a new version gets traffic."""

from typing import TYPE_CHECKING, Any

from control_plane.observability import observed
from control_plane.release.pre_traffic import PreTrafficCheck, Verdict
from control_plane.settings.pre_traffic import PreTrafficSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

check = PreTrafficCheck(PreTrafficSettings.from_environment().new_version)


@observed
def lambda_handler(event: dict[str, Any], _context: "LambdaContext") -> Verdict:
    """Have the new version start something as a dry run, and tell CodeDeploy."""
    return check.run(event)
