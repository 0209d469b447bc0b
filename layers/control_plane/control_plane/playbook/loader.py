"""From a stored document to a playbook that can be started: read, check, build."""

from __future__ import annotations

from typing import Any

from control_plane.errors import InvalidPlaybook, LimitExceeded
from control_plane.json_text import Json, check_storable
from control_plane.limits import Limits
from control_plane.playbook.build import build
from control_plane.playbook.model import Playbook
from control_plane.playbook.rules import check
from control_plane.playbook.shapes import wrong_type
from control_plane.playbook.yaml_core import read_yaml


def load(document: Any, limits: Limits) -> Playbook:
    """Read a playbook from its YAML text, or from a JSON value where there is no text.

    :param document: text, or what a catalog row holds instead: any JSON value

    :raises PlaybookSyntaxError: the text is not YAML, with line and column
    :raises InvalidPlaybook: a rule of the language is broken; names the rule and the step
    :raises UnstorableValue: a value that Postgres cannot hold
    :raises LimitExceeded: larger than a limit, found before anything is built
    """
    if isinstance(document, str):
        return validate(parse_document(document, limits), limits, len(document.encode()))
    if not isinstance(document, dict):
        raise InvalidPlaybook(wrong_type("Playbook", "an object", document))
    check_storable(document, "playbook", limits)
    size = len(Json(document).text.encode())
    if size > limits.document_bytes:
        raise LimitExceeded("playbook in bytes", limits.document_bytes, size)
    return validate(document, limits, size)


def parse_document(text: str, limits: Limits) -> dict[str, Any]:
    """Read YAML text into the JSON object that it stands for; no rule is checked.

    :raises PlaybookSyntaxError: not YAML
    :raises InvalidPlaybook: YAML that is no JSON object
    :raises UnstorableValue: a value that Postgres cannot hold
    :raises LimitExceeded: larger than a limit
    """
    document = read_yaml(text, limits)
    if not isinstance(document, dict):
        raise InvalidPlaybook(wrong_type("Playbook", "an object", document))
    return document


def validate(document: dict[str, Any], limits: Limits, size: int) -> Playbook:
    """Check the rules of the language and build the model.

    :param document: as `parse_document` returns it; shared with the model, so not to be changed
    :param size: bytes of the document's text
    :raises InvalidPlaybook: a rule is broken; names the rule and the step
    :raises LimitExceeded: more steps than the limit
    """
    check(document, limits)
    return build(document, size)
