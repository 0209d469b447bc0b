"""The platform's templates hold together, under every value of every switch."""

from __future__ import annotations

import json
import subprocess

from local.cloudformation import load
from tests.template.platform_stack import BASE, FOLDER, SWITCHES, platform

MEANT = {
    "W2001": "where a way is cut off, so is the use of its parameter",
    "W3002": "a stack within is named by its file, which sam deploy uploads",
}


def test_a_stack_gets_the_parameters_that_its_template_has():
    for switch in SWITCHES:
        for stack in platform(switch).all():
            for name, child in stack.children.items():
                given = stack.resources[name]["Properties"]["Parameters"]
                assert set(given) == set(child.template["Parameters"]), f"{stack.file}: {name}"


def test_the_switches_take_every_condition_both_ways():
    outcomes: dict[tuple[str, str], set[bool]] = {}
    for switch in SWITCHES:
        for stack in platform(switch).all():
            for condition in stack.template.get("Conditions", {}):
                taken = outcomes.setdefault((stack.file, condition), set())
                taken.add(stack.resolve({"Condition": condition}))
    assert outcomes
    assert {key for key, taken in outcomes.items() if len(taken) < 2} == set()


def test_the_switches_take_every_allowed_value():
    for name, declared in load(FOLDER / "template.yaml")["Parameters"].items():
        taken = {(BASE | given).get(name, declared.get("Default")) for given in SWITCHES.values()}
        assert set(declared.get("AllowedValues", ())) <= taken, name


def test_cfn_lint_minds_nothing_in_any_template_under_any_switch(sam_environment, tmp_path):
    files = {}
    for path in FOLDER.glob("*.yaml"):
        files[path.name] = path.read_text(encoding="utf-8")
    for switch in SWITCHES:
        for number, stack in enumerate(platform(switch).all()):
            text = json.dumps(stack.without_conditions())
            if text not in files.values():
                files[f"{len(files)}-{number}-{stack.file}"] = text
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        [sam_environment / "bin/cfn-lint", "-r", "us-east-1", "-i", *MEANT, "-t", *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(files) > len(SWITCHES)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
