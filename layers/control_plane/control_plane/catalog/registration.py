"""The use case: register a playbook under the next version of its path."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from control_plane.catalog.ports import CatalogStore, NewCatalogEntry
from control_plane.command.templating import check_template
from control_plane.errors import Fault, InvalidPlaybook, InvalidRequest, RequestError
from control_plane.json_text import Json
from control_plane.limits import Limits
from control_plane.playbook.loader import parse_document, validate
from control_plane.playbook.warnings import find_warnings

KINDS = ("playbook", "agent")
LONGEST_PATH = 1024
"""Bytes of a path; an index entry of Postgres ends below 2,700."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RegisterRequest(BaseModel):
    """The body of ``POST /api/catalog/register``."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    content: StrictStr = Field(min_length=1, description="The playbook's YAML text or its base64.")
    resource_type: StrictStr | None = Field(None, description="`playbook` (default) or `agent`.")
    dry_run: StrictBool | None = Field(None, description="Validate and store nothing.")


class RegisterAnswer(BaseModel):
    """What a registration is told; version and id are null after a dry run."""

    status: Literal["success"] = "success"
    message: str
    path: str
    version: int | None
    catalog_id: str | None
    kind: str
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers what can be started, and nothing else."""

    store: CatalogStore
    limits: Limits

    def register(self, request: RegisterRequest, *, dry_run: bool = False) -> RegisterAnswer:
        """Validate the playbook exactly as a start would, then store it.

        :raises RequestError: as a start of this playbook would be refused; nothing was stored
        :raises StoreUnavailable: the database cannot answer
        """
        kind = (request.resource_type or "playbook").lower()
        if kind not in KINDS:
            fault = Fault("resource_type", f"must be one of: {', '.join(KINDS)}")
            raise InvalidRequest(faults=(fault,))
        text, document = self._read(request.content)
        playbook = validate(document, self.limits, len(text.encode()))
        path = _checked_path(playbook.path or playbook.name)
        warnings = find_warnings(playbook, check_template)
        if dry_run or request.dry_run:
            message = f"Resource '{path}' is valid; nothing was registered."
            return RegisterAnswer(
                message=message,
                path=path,
                version=None,
                catalog_id=None,
                kind=kind,
                warnings=warnings,
            )
        stored = self.store.register(
            NewCatalogEntry(path, kind, text, Json(document), Json(document["metadata"]))
        )
        return RegisterAnswer(
            message=f"Resource '{path}' version '{stored.version}' registered.",
            path=path,
            version=stored.version,
            catalog_id=str(stored.catalog_id),
            kind=kind,
            warnings=warnings,
        )

    def _read(self, content: str) -> tuple[str, dict[str, Any]]:
        decoded = _base64_text(content)
        if decoded is not None:
            # Text that happens to be base64 of something else is taken as the text it is.
            try:
                return decoded, parse_document(decoded, self.limits)
            except RequestError as error:
                refusal = error
            try:
                return content, parse_document(content, self.limits)
            except RequestError:
                raise refusal from None
        return content, parse_document(content, self.limits)


def _base64_text(content: str) -> str | None:
    try:
        return base64.b64decode(content.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _checked_path(path: str | None) -> str:
    if not path or not path.strip():
        raise InvalidPlaybook("metadata.path: a playbook needs metadata.path or metadata.name")
    if len(path.encode()) > LONGEST_PATH:
        raise InvalidPlaybook(f"metadata.path: longer than {LONGEST_PATH} bytes")
    if _CONTROL.search(path):
        raise InvalidPlaybook("metadata.path: holds a control character")
    if path != path.strip():
        raise InvalidPlaybook("metadata.path: begins or ends with a space")
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise InvalidPlaybook("metadata.path: '.' and '..' are no parts of a path")
    return path
