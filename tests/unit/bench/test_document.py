"""docs/performance.md says what bench/results.json says."""

import json

import pytest

from bench.document import DOCUMENT, RESULTS, filled


def test_the_tables_of_the_document_are_those_of_the_results():
    document = DOCUMENT.read_text(encoding="utf-8")

    again = filled(document, json.loads(RESULTS.read_text(encoding="utf-8")))

    assert again == document, "run `python -m bench.document`"


def test_a_document_without_its_markers_is_refused():
    results = json.loads(RESULTS.read_text(encoding="utf-8"))

    with pytest.raises(ValueError, match="no place for pictures"):
        filled("# Performance", results)
