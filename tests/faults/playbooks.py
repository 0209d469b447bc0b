"""The playbooks that histories start, or fail to start."""

from __future__ import annotations

from typing import Any

HELLO = "faults/hello"
PLAYBOOKS = {
    HELLO: """\
apiVersion: noetl.io/v2
kind: Playbook
metadata: {name: hello, path: faults/hello}
workflow:
  - step: start
    tool: {kind: python, args: {name: "{{ name }}"}, code: print(name)}
""",
    "faults/broken_template": """\
apiVersion: noetl.io/v2
kind: Playbook
metadata: {name: broken, path: faults/broken_template}
workflow:
  - step: start
    tool: {kind: python, args: {name: "{{ name | no_such_filter }}"}, code: print(name)}
""",
    "faults/no_start": """\
apiVersion: noetl.io/v2
kind: Playbook
metadata: {name: no_start, path: faults/no_start}
workflow:
  - step: first
    tool: {kind: noop}
""",
}

REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"path": "faults/nowhere"}, 404),
    ({"path": "faults/broken_template", "payload": {"name": "x"}}, 422),
    ({"path": "faults/no_start"}, 422),
    ({"path": HELLO, "payload": []}, 422),
    ({"path": HELLO, "payload": {"name": "\0"}}, 422),
    ({"payload": {"name": "x"}}, 422),
]
"""Requests that cannot start anything, and their answers."""
