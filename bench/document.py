"""Writes the tables and pictures of ``docs/performance.md`` anew: ``python -m bench.document``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench import chart
from bench.report import report
from bench.targets import targets

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "bench" / "results.json"


def filled(document: str, results: dict[str, Any]) -> str:
    """Return the document with what the results say between its markers.

    :raises ValueError: a pair of markers is not there
    """
    made = (
        f"Measured {results['made_at']} in the {results['form']} form on {results['machine']}, "
        f"Python {results['python']}; load before and after: "
        f"{' and '.join(f'{load:.1f}' for load in results['load'])}."
    )
    parts = {
        "pictures": chart.links(results),
        "targets": targets(results),
        "tables": f"{made}\n\n{report(results)}",
    }
    for name, text in parts.items():
        begin, end = f"<!-- {name} from bench/results.json -->\n", f"\n<!-- end of {name} -->"
        before, found_begin, rest = document.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found_begin and found_end):
            raise ValueError(f"no place for {name}")
        document = before + begin + text + end + after
    return document


def main() -> None:
    """Write."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(filled(document, results), encoding="utf-8")
    chart.main()


if __name__ == "__main__":
    main()
