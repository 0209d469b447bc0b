"""Releases: traffic moves by steps, after a check, and back when an alarm rises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.release.pre_traffic import INVOKE_SECONDS, REPORT_SECONDS
from local.cloudformation import load
from tests.template.test_roles import statements
from tests.template.test_transform import FUNCTIONS, SERVING, version_of

pytestmark = pytest.mark.timeout(600)

SHIFTS = {
    "Canary10Percent5Minutes": "defaults",
    "Linear10PercentEvery1Minute": "ReleaseShift=Linear10PercentEvery1Minute",
    "AllAtOnce": "ReleaseShift=AllAtOnce",
}


@pytest.fixture(scope="module")
def resources_of(linted):
    return {switch: release["template"]["Resources"] for switch, release in linted.items()}


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: item for name, item in resources.items() if item["Type"] == kind}


@pytest.mark.parametrize("shift", SHIFTS)
def test_what_serves_traffic_is_shifted_as_the_parameter_says(resources_of, shift):
    groups = of_type(resources_of[SHIFTS[shift]], "AWS::CodeDeploy::DeploymentGroup")
    assert set(groups) == {f"{name}DeploymentGroup" for name in SERVING}
    for group in groups.values():
        name, variables = group["Properties"]["DeploymentConfigName"]["Fn::Sub"]
        assert name == "CodeDeployDefault.Lambda${ConfigName}"
        assert variables == {"ConfigName": shift}


@pytest.mark.parametrize("switch", SHIFTS.values())
def test_each_alias_is_moved_by_codedeploy_after_the_hook(resources_of, switch):
    aliases = of_type(resources_of[switch], "AWS::Lambda::Alias")
    moved = {name: item["UpdatePolicy"] for name, item in aliases.items() if "UpdatePolicy" in item}
    assert set(moved) == {f"{name}Aliaslive" for name in SERVING}
    for policy in moved.values():
        update = policy["CodeDeployLambdaAliasUpdate"]
        assert update["BeforeAllowTrafficHook"] == {"Ref": "PreTrafficFunction"}


def test_the_alarms_that_send_a_release_back_are_outputs_of_the_stack_within(
    resources_of, repository
):
    monitoring = load(repository / "monitoring.yaml")
    groups = of_type(resources_of["defaults"], "AWS::CodeDeploy::DeploymentGroup")
    for group in groups.values():
        watched = [
            item["Name"]["Fn::GetAtt"][1].removeprefix("Outputs.")
            for item in group["Properties"]["AlarmConfiguration"]["Alarms"]
        ]
        assert set(watched) == {n for n in monitoring["Resources"] if n.startswith("Release")}
        assert all(monitoring["Outputs"][name]["Value"] == {"Ref": name} for name in watched)
        back = group["Properties"]["AutoRollbackConfiguration"]
        assert back["Enabled"] is True
        assert {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} <= set(back["Events"])


def test_unchecked_leaves_codedeploy_out(resources_of):
    resources = resources_of["ReleaseShift=Unchecked"]
    assert not [item for item in resources.values() if "CodeDeploy" in item["Type"]]
    assert not [item for item in resources.values() if "UpdatePolicy" in item]


def test_the_hook_checks_the_very_version_that_is_about_to_be_live(linted):
    resources = linted["defaults"]["template"]["Resources"]
    version = {"Ref": version_of("ExecuteFunction", linted["defaults"])}
    assert resources["ExecuteFunctionAliaslive"]["Properties"]["FunctionVersion"] == {
        "Fn::GetAtt": [version["Ref"], "Version"]
    }
    hook = resources["PreTrafficFunction"]["Properties"]
    assert hook["Environment"]["Variables"]["NEW_VERSION"] == version
    assert resources["PreTrafficRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][
        2
    ] == {
        "Sid": "AskNewVersion",
        "Effect": "Allow",
        "Action": ["lambda:InvokeFunction"],
        "Resource": version,
    }


def test_the_hook_is_outside_of_the_vpc_and_outlasts_its_own_waits(resources_of):
    resources = resources_of["VPC"]
    vpc = {name: resources[name]["Properties"].get("VpcConfig") for name in FUNCTIONS}
    assert vpc.pop("PreTrafficFunction") == {"Ref": "AWS::NoValue"}
    assert all("Fn::If" in config for config in vpc.values())
    timeout = resources["PreTrafficFunction"]["Properties"]["Timeout"]
    assert timeout > 2 * INVOKE_SECONDS + REPORT_SECONDS
    assert 10 + resources["ExecuteFunction"]["Properties"]["Timeout"] < INVOKE_SECONDS


def test_codedeploy_may_touch_the_aliases_that_it_moves_and_call_the_hook(resolve):
    role = resolve().of_type("AWS::IAM::Role")["ReleaseRole"]
    by_sid = {item["Sid"]: item for item in statements(role)}
    shifted = {arn.rpartition(":function:")[2] for arn in by_sid["ShiftAliases"]["Resource"]}
    assert shifted == {name for function in SERVING for name in (function, f"{function}:*")}
    assert by_sid["CallHook"]["Resource"].endswith(":function:PreTrafficFunction")


@pytest.mark.parametrize("switch", SHIFTS.values())
def test_nothing_waits_for_itself(resources_of, switch):
    resources = resources_of[switch]
    waits = {name: set(_named(item)) & set(resources) for name, item in resources.items()}
    while free := {name for name, others in waits.items() if not others & set(waits) - {name}}:
        waits = {name: others for name, others in waits.items() if name not in free}
    assert waits == {}


def _named(node: Any) -> Iterator[str]:
    """Every resource that a node refers to, conditions taken both ways."""
    if isinstance(node, list):
        for item in node:
            yield from _named(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("Ref", "DependsOn"):
                yield from [value] if isinstance(value, str) else value
            elif key == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else value.partition(".")[0]
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (part.partition("}")[0].partition(".")[0] for part in text.split("${"))
                yield from _named(value)
            else:
                yield from _named(value)
