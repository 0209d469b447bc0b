from __future__ import annotations

import pytest

from control_plane.api import STATUS
from control_plane.errors import CatalogVersionsExhausted, NotFound
from docs.openapi import openapi, text


def test_the_committed_openapi_document_is_that_of_the_code(repository):
    committed = (repository / "docs" / "openapi.json").read_text()
    assert committed == text(), "run `make openapi` and commit the result"


@pytest.mark.parametrize(
    ("path", "never"),
    [
        ("/api/execute", {CatalogVersionsExhausted}),
        ("/api/execute/batch", {CatalogVersionsExhausted, NotFound}),
        ("/api/executions/{execution_id}/rerun", {CatalogVersionsExhausted}),
    ],
)
def test_routes_that_start_name_each_status_that_they_may_answer(path, never):
    operation = openapi()["paths"][path]["post"]
    errors = {str(int(status)) for error, status in STATUS.items() if error not in never}
    assert set(operation["responses"]) == {"200", "default"} | errors
    assert "Retry-After" in operation["responses"]["503"]["headers"]
    assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}
