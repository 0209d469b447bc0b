from __future__ import annotations

from docs.openapi import text


def test_the_committed_openapi_document_is_that_of_the_code(repository):
    committed = (repository / "docs" / "openapi.json").read_text()
    assert committed == text(), "run `make openapi` and commit the result"
