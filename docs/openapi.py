"""Write ``docs/openapi.json`` from the routes of the functions.

Run by ``make openapi``; a test fails when the file and the code differ.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.openapi import OpenAPIMerge

PLACEHOLDERS = {"DATABASE_URL": "postgresql://db", "PUBLIC_SERVER_URL": "https://noetl.example.com"}
PROBLEM = {
    "description": "What is wrong and where (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "required": ["error", "status"],
    "properties": {
        "error": {"type": "string", "description": "The message."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
}


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of every route of every function."""
    for name, value in PLACEHOLDERS.items():
        os.environ.setdefault(name, value)
    from functions.catalog.app import app as catalog  # noqa: PLC0415
    from functions.execute.app import app as execute  # noqa: PLC0415
    from functions.executions.app import app as executions  # noqa: PLC0415

    merge = OpenAPIMerge(
        title="NoETL serverless control plane",
        version="1.0.0",
        description="Starts executions of playbooks, exactly once, and tells of them.",
    )
    for app in (execute, executions, catalog):
        merge.add_schema(json.loads(app.get_openapi_json_schema()))
    document = merge.get_openapi_schema()
    # Powertools describes its own validation errors; ours are problem details.
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = PROBLEM
    return document


def text() -> str:
    """Return the document as it is kept in the file."""
    return json.dumps(openapi(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(__file__).with_suffix(".json").write_text(text())
