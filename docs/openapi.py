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
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Starts once per key; the same request gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-+\\--~]+$"},
}
TRACE = [
    {"name": name, "in": "header", "description": "W3C trace context", "schema": {"type": "string"}}
    for name in ("traceparent", "tracestate", "baggage")
]
BODY_ERRORS = {
    "400": "The body is not JSON, or not UTF-8",
    "413": "Larger than a limit allows",
    "422": "Wrong shape, a value that cannot be stored, or no valid key",
    "500": "A defect; the message has the incident's id",
    "503": "The database cannot answer; the same key tells what became of it",
}
START_ERRORS = BODY_ERRORS | {
    "400": "The body is not JSON, or the playbook is not YAML",
    "404": "There is no such playbook",
    "422": "Wrong shape, a key that another request has, or a playbook that cannot be started",
}
ERRORS = {
    "/api/execute": START_ERRORS,
    # What is wrong with one request is told in its result.
    "/api/execute/batch": BODY_ERRORS,
    "/api/executions/{execution_id}/rerun": START_ERRORS
    | {"404": "There is no such execution, or no such playbook any more"},
}
"""The errors of the routes that start executions."""
RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
REPLAYED = {
    "Idempotent-Replayed": {
        "description": "Where the key was known: this is the first answer.",
        "schema": {"const": "true"},
    }
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
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = PROBLEM
            if path in ERRORS:
                _describe_start(operation, ERRORS[path])
    for path in ("/api/execute", "/api/executions/{execution_id}/rerun"):
        document["paths"][path]["post"]["responses"]["200"]["headers"] = REPLAYED
    return document


def _describe_start(operation: dict[str, Any], errors: dict[str, str]) -> None:
    operation["parameters"] = [*operation.get("parameters", []), KEY, *TRACE]
    for status, description in errors.items():
        operation["responses"][status] = PROBLEM | {"description": description}
    operation["responses"]["503"]["headers"] = RETRY_AFTER


def text() -> str:
    """Return the document as it is kept in the file."""
    return json.dumps(openapi(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(__file__).with_suffix(".json").write_text(text())
