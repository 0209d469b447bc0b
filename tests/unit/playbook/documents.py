"""Playbooks that the tests of this folder share: one of each way to write things."""

from __future__ import annotations

from typing import Any

MINIMAL = """\
apiVersion: noetl.io/v2
kind: Playbook
metadata: {name: minimal}
workflow:
  - step: start
    tool: {kind: noop}
"""

WEATHER = """\
# Asks for the weather of each city and stores what is warm enough.
apiVersion: noetl.io/v2
kind: Playbook
metadata:
  name: weather
  path: examples/weather
  labels: {team: data}
workload:
  cities: [Oslo, Rome]
  threshold: 21.5
  since: 2024-01-01
  at: 12:30:00
keychain:
  - name: api
    provider: aws
workbook:
  - name: classify
    tool: {kind: python, code: "result = {}"}
workflow:
  - step: start
    desc: Begin
    input: {cities: "{{ workload.cities }}"}
    tool:
      kind: http
      method: GET
      url: "{{ workload.url }}"
      headers: {Accept: application/json}
      eval:
        - expr: "{{ outcome.error.retryable }}"
          do: retry
          attempts: 3
        - else: {do: continue}
    next:
      spec: {mode: exclusive}
      arcs:
        - step: each
          when: "{{ output.ok }}"
          args: {from: start}
        - step: end
  - step: each
    spec: {timeout: 30}
    when: "{{ workload.cities }}"
    args: {unit: celsius}
    loop:
      in: "{{ workload.cities }}"
      iterator: city
      spec: {mode: parallel, max_in_flight: 4}
    tool:
      - fetch: {kind: http, url: "{{ city }}"}
      - name: store
        kind: postgres
        auth: pg
        command: |
          INSERT INTO weather VALUES ('{{ city }}')
    next: [drain, report]
  - step: drain
    loop:
      cursor: {kind: postgres, claim: SELECT 1}
      iterator: row
      spec: {mode: cursor, frame: {max_rows: 50}}
    tool: {kind: workbook, name: classify}
    next: report
  - step: report
    tool: {kind: shell, command: [echo, done]}
    next:
      - {step: end, when: true}
"""


def step(name: str = "start", **fields: Any) -> dict[str, Any]:
    return {"step": name, "tool": {"kind": "noop"}, **fields}


def document(*steps: Any, **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "noetl.io/v2",
        "kind": "Playbook",
        "metadata": {"name": "sample"},
        "workflow": list(steps or [step()]),
        **fields,
    }
