"""What each command must do and print, wherever the control plane runs.

A suite inherits from `Commands` and says by its fixtures what it is tried against.
"""

from __future__ import annotations

import json
import secrets

import pytest

PLAYBOOK = """\
apiVersion: noetl.io/v2
kind: Playbook
metadata:
  name: greeting
  path: {path}
workload:
  name: World
  greeting: Hello
workflow:
  - step: start
    tool:
      kind: python
      args: {{text: "{{{{ greeting }}}}, {{{{ name }}}}"}}
      code: print(text)
    next: end
"""


@pytest.fixture
def path():
    """A catalog path of this test's own."""
    return f"tests/cli/{secrets.token_hex(6)}"


@pytest.fixture
def file(noetl, path):
    """A playbook's file of that path."""
    file = noetl.home / f"{path.rpartition('/')[2]}.yaml"
    file.write_text(PLAYBOOK.format(path=path))
    return file


@pytest.fixture
def folder(noetl, path):
    """A folder with two playbooks, in folders of their own."""
    folder = noetl.home / path.rpartition("/")[2]
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.yaml").write_text(PLAYBOOK.format(path=f"{path}/{name}"))
    return folder


@pytest.fixture
def registered(noetl, path, file):
    """The path, with one version in the catalog."""
    assert noetl("register", "playbook", "-f", str(file)).status == 0
    return path


@pytest.fixture
def started(noetl, registered):
    """An execution of that path."""
    return noetl("run", registered, "-r", "distributed", "--json").json["execution_id"]


class Commands:
    """The commands of issue and documentation, each with what it prints."""

    def test_register_playbook_of_a_file(self, noetl, path, file):
        for version in (1, 2):
            printed = noetl("register", "playbook", "-f", str(file))
            assert printed.status == 0, printed.err
            words, _, answer = printed.out.partition(": ")
            assert words == "Playbook registered successfully"
            told = json.loads(answer)
            assert (told["status"], told["path"], told["version"]) == ("success", path, version)
            assert told["message"] == f"Resource '{path}' version '{version}' registered."
            assert (told["kind"], told["warnings"]) == ("playbook", [])

    def test_register_playbook_of_a_folder(self, noetl, folder):
        printed = noetl("register", "playbook", "-d", str(folder))
        assert printed.status == 0, printed.err
        assert printed.out.startswith("Found 2 file(s) in ")
        assert printed.out.count("Playbook registered successfully: ") == 2
        assert printed.out.endswith("Registration complete: 2 succeeded, 0 failed\n")

    def test_what_could_not_be_started_is_not_registered(self, noetl, file):
        file.write_text(file.read_text().replace("step: start", "step: first"))
        printed = noetl("register", "playbook", "-f", str(file))
        assert printed.status == 1
        assert printed.err.startswith("Failed to register Playbook: 422 Unprocessable Entity - {")
        assert "Start step 'start' not found" in printed.err

    def test_catalog_load_of_a_folder(self, noetl, path, folder):
        printed = noetl("catalog", "load", str(folder))
        assert printed.status == 0, printed.err
        assert printed.out.splitlines() == [
            "discovered 2 resource(s), 0 skipped",
            f"  ok   {folder}/one/one.yaml -> {path}/one v1",
            f"  ok   {folder}/two/two.yaml -> {path}/two v1",
            "registered 2, failed 0, skipped 0",
        ]

    def test_catalog_load_names_what_it_could_not_load(self, noetl, path, folder):
        (folder / "two" / "two.yaml").write_text("kind: Playbook\n")
        printed = noetl("catalog", "load", str(folder))
        assert printed.status == 1
        _, good, bad, sums = printed.out.splitlines()
        assert good == f"  ok   {folder}/one/one.yaml -> {path}/one v1"
        assert bad.startswith(f"  FAIL {folder}/two/two.yaml: apiVersion")
        assert sums == "registered 1, failed 1, skipped 0"

    def test_catalog_load_as_json(self, noetl, path, folder):
        told = noetl("catalog", "load", str(folder), "--json").json
        assert (told["registered"], told["failed"], told["skipped"]) == (2, 0, 0)
        assert [(one["index"], one["path"]) for one in told["results"]] == [
            (0, f"{path}/one"),
            (1, f"{path}/two"),
        ]

    def test_catalog_list(self, noetl, registered):
        words, _, answer = noetl("catalog", "list", "Playbook").out.partition("\n")
        assert words == "Catalog (Playbook):"
        assert json.loads(answer)["entries"][0]["path"] == registered
        newest = noetl("catalog", "list", "playbook", "--json").json["entries"][0]
        assert (newest["path"], newest["version"], newest["kind"]) == (registered, 1, "playbook")
        assert noetl("catalog", "list", "Credential", "--json").json["entries"] == []

    def test_catalog_get(self, noetl, registered, file):
        noetl("register", "playbook", "-f", str(file))
        entry = noetl("catalog", "get", registered).json
        assert (entry["path"], entry["version"]) == (registered, 2)
        assert entry["content"] == file.read_text()
        assert entry["payload"]["workload"] == {"name": "World", "greeting": "Hello"}

    def test_catalog_get_of_what_is_not_there(self, noetl, path):
        printed = noetl("catalog", "get", path)
        assert printed.out == ""
        assert f"Playbook not found: {path}" in printed.err

    def test_run_with_set(self, noetl, registered, installed):
        printed = noetl("run", registered, "-r", "distributed", "--set", "name=Ada")
        assert printed.status == 0, printed.err
        assert f"  Path: {registered}\n" in printed.out
        answer = printed.out.partition("Execution started:\n")[2].partition("\n\n")[0]
        told = json.loads(answer)
        assert (told["status"], told["commands_generated"]) == ("started", 1)
        assert f'noetl status "{told["execution_id"]}"' in printed.out
        shown = installed.get(f"/api/executions/{told['execution_id']}")
        assert shown["workload"] == {"name": "Ada", "greeting": "Hello"}

    def test_run_with_payload_as_json(self, noetl, registered, installed):
        payload = json.dumps({"greeting": "Hi", "items": [1, None, "ü"]})
        told = noetl("run", registered, "-r", "distributed", "--payload", payload, "--json").json
        shown = installed.get(f"/api/executions/{told['execution_id']}")
        assert shown["workload"] == {"name": "World", "greeting": "Hi", "items": [1, None, "ü"]}
        assert shown["path"] == registered

    def test_run_of_what_is_not_there(self, noetl, path):
        printed = noetl("run", path, "-r", "distributed")
        assert printed.status == 1
        assert "Failed to execute playbook: 404 Not Found" in printed.err
        assert f"Playbook not found: {path}" in printed.err

    def test_status_of_what_runs(self, noetl, started):
        lines = noetl("status", started).out.splitlines()
        assert f"Execution: {started}" in lines
        assert "Status:    RUNNING" in lines
        assert "Steps:     0 completed" in lines
        assert "Current:   start" in lines
        told = noetl("status", started, "--json").json
        assert (told["status"], told["current_step"], told["is_cancelled"]) == (
            "RUNNING",
            "start",
            False,
        )

    def test_status_of_what_has_completed(self, noetl, started, installed):
        events = [("command.completed", "start"), ("playbook_completed", None)]
        installed.append(started, events)
        lines = noetl("status", started).out.splitlines()
        assert "Status:    COMPLETED" in lines
        assert "Steps:     1 completed" in lines
        assert "  - start" in lines
        told = noetl("status", started, "--json").json
        assert (told["status"], told["progress"]["completed_steps"]) == ("COMPLETED", 1)

    def test_status_of_what_is_not_there(self, noetl):
        printed = noetl("status", "1")
        assert printed.out == ""
        assert "Execution not found: 1" in printed.err

    def test_execute_rerun(self, noetl, registered, installed):
        first = noetl("run", registered, "-r", "distributed", "--set", "name=Ada", "--json").json
        printed = noetl("execute", "rerun", first["execution_id"])
        assert printed.status == 0, printed.err
        assert f"  Source Execution: {first['execution_id']}\n" in printed.out
        answer = printed.out.partition("Rerun started:\n")[2].partition("\n\n")[0]
        again = json.loads(answer)["execution_id"]
        assert again != first["execution_id"]
        shown = installed.get(f"/api/executions/{again}")
        assert (shown["path"], shown["workload"]["name"]) == (registered, "Ada")

    def test_execute_rerun_with_input_as_json(self, noetl, started, installed):
        overrides = noetl.home / "overrides.json"
        overrides.write_text('{"greeting": "Hi"}')
        told = noetl("execute", "rerun", started, "-i", str(overrides), "--json").json
        shown = installed.get(f"/api/executions/{told['execution_id']}")
        assert shown["workload"] == {"name": "World", "greeting": "Hi"}

    def test_execute_rerun_of_what_is_not_there(self, noetl):
        printed = noetl("execute", "rerun", "1")
        assert printed.status == 1
        assert "Failed to rerun execution: 404 Not Found" in printed.err

    def test_cancel_with_a_reason(self, noetl, started):
        printed = noetl("cancel", started, "--reason", "started by mistake")
        assert printed.status == 0, printed.err
        lines = printed.out.splitlines()
        assert "Status:    CANCELLED" in lines
        assert "Cancelled: 1 execution(s)" in lines
        assert f"Message:   Execution {started} cancelled" in lines
        assert "Reason:    started by mistake" in lines
        shown = noetl("status", started).out.splitlines()
        # The command line knows no word for it, but shows the reason.
        assert "Error:     Cancelled: started by mistake" in shown
        told = noetl("status", started, "--json").json
        assert (told["status"], told["is_cancelled"]) == ("CANCELLED", True)

    def test_cancel_as_json_and_once_more(self, noetl, started):
        first = noetl("cancel", started, "--json").json
        assert first["cancelled_executions"] == [started]
        again = noetl("cancel", started, "--cascade", "--json")
        assert (again.status, again.json["cancelled_executions"]) == (0, [])

    def test_cancel_of_what_has_completed(self, noetl, started, installed):
        installed.append(started, [("playbook_completed", None)])
        printed = noetl("cancel", started)
        assert printed.status == 1
        assert "Failed to cancel execution: 422 Unprocessable Entity" in printed.err
        assert "is COMPLETED and cannot be cancelled" in printed.err
