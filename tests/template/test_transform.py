"""What CloudFormation gets: SAM's transformation for each value of each switch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template.conftest import StackResolver, order
from tests.template.switches import BASE, SWITCHES

pytestmark = pytest.mark.timeout(600)

# SAM puts the value where the template has the parameter.
EXPECTED_FAULTS = {
    "W2001 Parameter ReleaseId not used.",
    "W2001 Parameter ReleaseShift not used.",
    "W7001 Mapping 'ReleaseShifts' is defined but not used",
}

FUNCTIONS = (
    "ExecuteFunction",
    "TriggerFunction",
    "CatalogFunction",
    "ExecutionsFunction",
    "RelayFunction",
    "PreTrafficFunction",
    "MigrateFunction",
)
SERVING = FUNCTIONS[:4]
"""Those that CodeDeploy moves traffic to."""


def version_of(function: str, release: dict[str, Any]) -> str:
    (version,) = [
        name
        for name, resource in release["template"]["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version" and name.startswith(function)
    ]
    return version


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_transformed_template_has_nothing_that_cfn_lint_minds(linted, switch):
    assert set(linted[switch]["faults"]) <= EXPECTED_FAULTS


def test_the_switches_take_every_condition_both_ways(template):
    resolvers = [StackResolver(template, BASE | parameters) for parameters in SWITCHES.values()]
    for condition in template["Conditions"]:
        outcomes = {bool(resolver.resolve({"Condition": condition})) for resolver in resolvers}
        assert outcomes == {True, False}, condition


def test_the_switches_take_every_allowed_value(template):
    for name, declared in template["Parameters"].items():
        default = declared.get("Default")
        taken = {str((BASE | given).get(name, default)) for given in SWITCHES.values()}
        if name != "LogRetentionDays":  # a number like any other, of which AWS takes only some
            assert set(map(str, declared.get("AllowedValues", ()))) <= taken, name


def test_one_changed_byte_of_the_layer_publishes_every_function(released):
    one, same, other = released([order(), order(), order(layer="s3://artifacts/layer-2")])
    for function in FUNCTIONS:
        assert version_of(function, one) == version_of(function, same)
        assert version_of(function, one) != version_of(function, other)


def test_a_changed_release_id_publishes_every_function_when_a_parameter_alone_changed(released):
    one, other = released(
        [
            order(ReleaseId="1111111111", LogLevel="INFO"),
            order(ReleaseId="2222222222", LogLevel="DEBUG"),
        ]
    )
    for function in FUNCTIONS:
        assert version_of(function, one) != version_of(function, other)


def test_the_migration_runs_with_each_release_and_before_the_code_that_serves(linted):
    resources = linted["defaults"]["template"]["Resources"]
    version = version_of("MigrateFunction", linted["defaults"])
    assert resources["Migration"]["Properties"]["Version"] == {"Ref": version}
    for function in (*SERVING, "RelayFunction"):
        assert "Migration" in resources[function]["DependsOn"]


def test_no_role_is_left_to_sam(linted):
    resources = linted["defaults"]["template"]["Resources"]
    roles = {name for name, item in resources.items() if item["Type"] == "AWS::IAM::Role"}
    own = {function.removesuffix("Function") + "Role" for function in FUNCTIONS}
    assert roles == own | {"ScheduleRole", "ReleaseRole"}


def test_the_queue_and_lambda_s_retries_lead_to_the_alias(linted):
    resources = linted["defaults"]["template"]["Resources"]
    mapping = resources["TriggerFunctionQueue"]["Properties"]
    assert mapping["FunctionName"] == {"Ref": "TriggerFunctionAliaslive"}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    retries = resources["TriggerFunctionEventInvokeConfig"]["Properties"]
    assert retries["Qualifier"] == "live"
