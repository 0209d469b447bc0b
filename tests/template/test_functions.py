"""What holds of every function, whichever way the switches stand."""

from __future__ import annotations

import pytest

from tests.template.switches import SWITCHES


@pytest.fixture(scope="module")
def functions(resolve):
    return resolve().of_type("AWS::Serverless::Function")


def test_each_folder_of_functions_is_a_function_that_is_not_built(template, repository, functions):
    folders = {path.parent.name for path in (repository / "functions").glob("*/app.py")}
    assert {item["CodeUri"] for item in functions.values()} == {f"functions/{x}" for x in folders}
    for name in functions:
        assert template["Resources"][name]["Metadata"]["SkipBuild"]


def test_each_function_publishes_by_all_its_properties_and_the_release(template):
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            assert resource["Properties"]["AutoPublishAliasAllProperties"] is True
            assert resource["Properties"]["AutoPublishCodeSha256"] == {"Ref": "ReleaseId"}
    assert template["Globals"]["Function"]["AutoPublishAlias"] == "live"


def test_each_log_group_is_kept_for_a_time_and_written_as_json(resolve, functions):
    groups = resolve(LogRetentionDays="7").of_type("AWS::Logs::LogGroup")
    written = {item["LoggingConfig"]["LogGroup"] for item in functions.values()}
    assert set(groups) == written | {"AccessLogGroup"}
    assert {group["RetentionInDays"] for group in groups.values()} == {"7"}
    for function in functions.values():
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert groups[function["LoggingConfig"]["LogGroup"]]["RetentionInDays"] == "7"


def test_snapstart_and_provisioned_concurrency_are_never_asked_for_together(resolve):
    for mode in ("OnDemand", "SnapStart", "Provisioned"):
        execute = resolve(StartMode=mode).of_type("AWS::Serverless::Function")["ExecuteFunction"]
        assert ("SnapStart" in execute) == (mode == "SnapStart")
        assert ("ProvisionedConcurrencyConfig" in execute) == (mode == "Provisioned")


def test_the_stack_waits_longer_for_the_migration_than_its_function_may_take(resolve, functions):
    migration = resolve().of_type("Custom::Migration")["Migration"]
    assert migration["ServiceTimeout"] > functions["MigrateFunction"]["Timeout"]


def test_each_architecture_of_the_layer_has_a_folder_that_names_its_wheels(template, repository):
    for name in template["Parameters"]["Architecture"]["AllowedValues"]:
        machine = {"x86_64": "x86_64", "arm64": "aarch64"}[name]
        platforms = (repository / "layers" / "control_plane" / name / "platforms").read_text()
        assert all(word.endswith(f"_{machine}") for word in platforms.split())


def test_the_nats_endpoint_is_reached_under_its_own_name_and_by_the_functions_alone(resolve):
    resolved = resolve(**SWITCHES["NATS endpoint"])
    url = resolved.environment("ExecuteFunction")["NATS_URL"]
    assert url == "nats://vpce-0a1b.vpce-svc-0c1d.eu-central-1.vpce.amazonaws.com:4222"
    (ingress,) = resolved.of_type("AWS::EC2::SecurityGroup")["NatsEndpointSecurityGroup"][
        "SecurityGroupIngress"
    ]
    assert (ingress["FromPort"], ingress["ToPort"]) == (4222, 4222)
    assert ingress["SourceSecurityGroupId"] == "sg-0a1b2c3d"


def test_the_relay_ends_within_its_minute_and_no_run_is_made_up_for(functions):
    relay = functions["RelayFunction"]
    assert relay["Timeout"] < 60
    assert relay["Events"]["EveryMinute"]["Properties"]["Schedule"] == "rate(1 minute)"
    assert relay["EventInvokeConfig"] == {
        "MaximumEventAgeInSeconds": 60,
        "MaximumRetryAttempts": 0,
    }
