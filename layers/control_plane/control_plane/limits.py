"""How large a request, a playbook and a command may be."""

# No `from __future__ import annotations`: making a model parses each such text.

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class Limits(BaseModel):
    """The largest sizes that are taken; each is a setting (environment variable as alias)."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, defer_build=True)

    body_bytes: int = Field(MIB, gt=0, alias="MAX_BODY_BYTES")
    """A request body, after base64 decoding."""
    document_bytes: int = Field(MIB, gt=0, alias="MAX_DOCUMENT_BYTES")
    """A playbook's text in UTF-8."""
    depth: int = Field(64, gt=0, le=200, alias="MAX_DEPTH")
    """Objects and lists inside each other, of a body or a document."""
    nodes: int = Field(100_000, gt=0, alias="MAX_NODES")
    """Scalars, lists and objects of a body or a document, counted after alias expansion."""
    steps: int = Field(2_000, gt=0, alias="MAX_STEPS")
    """Steps of a workflow."""
    string_bytes: int = Field(MIB, gt=0, alias="MAX_RENDERED_STRING_BYTES")
    """One rendered template."""
    context_bytes: int = Field(4 * MIB, gt=0, alias="MAX_COMMAND_CONTEXT_BYTES")
    """The JSON of a command's context."""
    template_fuel: int = Field(1_000_000, gt=0, alias="TEMPLATE_FUEL")
    """Steps of the template engine for one command: enough to loop over 10,000 items."""
