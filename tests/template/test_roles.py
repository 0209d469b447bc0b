"""IAM: one role per function, nothing managed, and `*` only where AWS knows no resource."""

from __future__ import annotations

import pytest

from tests.template.switches import SWITCHES

OF_FUNCTIONS = ("Execute", "Trigger", "Catalog", "Executions", "Relay", "Migrate")
"""Whose roles reach a database, or NATS."""
WITHOUT_RESOURCE = {
    "SendTraces": "X-Ray's put actions know no resource",
    "AttachToVpc": "Lambda makes network interfaces with the function's role; their ids are new",
    "KeepVpcFromCode": "a deny, and of the same actions",
    "TellCodeDeploy": "SAM names the application after the stack, with a text at random behind it",
    "WatchAlarms": "CodeDeploy lists alarms; which ones is in its deployment group",
}
"""Statements that may say ``*``, and why."""

OWN_SECRETS = {
    "ExecuteRole": {"app", "nats"},
    "TriggerRole": {"app", "nats"},
    "CatalogRole": {"app"},
    "ExecutionsRole": {"app"},
    "RelayRole": {"app", "nats"},
    "MigrateRole": {"owner"},
}


def statements(role):
    return [item for policy in role["Policies"] for item in policy["PolicyDocument"]["Statement"]]


def roles_of_functions(resolved):
    roles = resolved.of_type("AWS::IAM::Role")
    return {f"{name}Role": roles[f"{name}Role"] for name in OF_FUNCTIONS}


def test_each_function_has_a_role_of_its_own(resolve):
    resolved = resolve()
    used = [item["Role"] for item in resolved.of_type("AWS::Serverless::Function").values()]
    roles = set(resolved.of_type("AWS::IAM::Role")) - {"ReleaseRole"}  # CodeDeploy's
    assert len(set(map(str, used))) == len(used) == len(roles)


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_statement_names_its_resources_unless_there_is_a_reason(resolve, switch):
    for role in resolve(**SWITCHES[switch]).of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role
        for statement in statements(role):
            assert not any("*" in action for action in statement["Action"])
            if "*" in statement["Resource"]:
                assert statement["Sid"] in WITHOUT_RESOURCE


def test_a_role_may_write_the_log_of_its_function_alone(resolve):
    resolved = resolve()
    for name, function in resolved.of_type("AWS::Serverless::Function").items():
        group = function["LoggingConfig"]["LogGroup"]
        role = resolved.of_type("AWS::IAM::Role")[name.removesuffix("Function") + "Role"]
        (write,) = [item for item in statements(role) if item["Sid"] == "WriteOwnLog"]
        assert write["Resource"].endswith(group)


def test_a_role_may_read_the_secrets_of_its_function_alone(resolve):
    roles = resolve(**SWITCHES["secrets"]).of_type("AWS::IAM::Role")
    for name, own in OWN_SECRETS.items():
        read = [
            item["Resource"].rpartition(":")[2].removesuffix("-AbCdEf")
            for item in statements(roles[name])
            if "secretsmanager:GetSecretValue" in item["Action"]
        ]
        assert set(read) == own


def test_a_role_of_the_app_may_log_in_as_the_app_s_database_user_alone(resolve):
    roles = resolve().of_type("AWS::IAM::Role")
    for name in OWN_SECRETS.keys() - {"MigrateRole"}:
        (connect,) = [
            item for item in statements(roles[name]) if item["Action"] == "rds-db:connect"
        ]
        assert connect["Resource"].endswith(":dbuser:prx-0a1b2c3d4e5f60718/noetl_serverless_app")
    assert "rds-db:connect" not in str(roles["MigrateRole"])


def test_a_customer_managed_key_is_for_reading_secrets_alone(resolve):
    for role in roles_of_functions(resolve(**SWITCHES["KmsKeyArn"])).values():
        (decrypt,) = [item for item in statements(role) if item["Sid"] == "DecryptSecrets"]
        assert decrypt["Resource"] == SWITCHES["KmsKeyArn"]["KmsKeyArn"]
        assert "secretsmanager." in decrypt["Condition"]["StringEquals"]["kms:ViaService"]


def test_without_tokens_secrets_and_vpc_a_role_writes_its_log_and_traces_and_no_more(resolve):
    for name, role in roles_of_functions(resolve(**SWITCHES["DatabaseAuth=url"])).items():
        more = {"WorkOnQueue", "SendDeadLetters"} if name == "TriggerRole" else set()
        assert {item["Sid"] for item in statements(role)} == {"WriteOwnLog", "SendTraces"} | more


def test_in_a_vpc_the_code_itself_may_not_touch_network_interfaces(resolve):
    for role in roles_of_functions(resolve(**SWITCHES["VPC"])).values():
        by_sid = {item["Sid"]: item for item in statements(role)}
        deny = by_sid["KeepVpcFromCode"]
        assert deny["Effect"] == "Deny"
        assert deny["Action"] == by_sid["AttachToVpc"]["Action"]
        assert deny["Condition"] == {
            "ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:*"}
        }


def test_who_handles_messages_may_use_the_key_of_the_queues_and_nobody_else(resolve):
    switches = SWITCHES["DataKmsKeyArn"] | SWITCHES["NightlyPath"]
    holders = set()
    for name, role in resolve(**switches).of_type("AWS::IAM::Role").items():
        for item in statements(role):
            if "kms:GenerateDataKey" in item["Action"]:
                holders.add(name)
                assert item["Resource"] == switches["DataKmsKeyArn"]
                assert "sqs." in item["Condition"]["StringEquals"]["kms:ViaService"]
    assert holders == {"TriggerRole", "ScheduleRole"}


def test_with_a_key_of_one_s_own_all_that_the_stack_stores_is_under_it(resolve):
    key = SWITCHES["DataKmsKeyArn"]["DataKmsKeyArn"]
    resolved = resolve(**SWITCHES["DataKmsKeyArn"])
    for group in resolved.of_type("AWS::Logs::LogGroup").values():
        assert group["KmsKeyId"] == key
    for queue in resolved.of_type("AWS::SQS::Queue").values():
        assert (queue["KmsMasterKeyId"], "SqsManagedSseEnabled" in queue) == (key, False)
    for queue in resolve().of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
