"""What the platform's templates promise: who gets in, what is encrypted, what survives."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest

from tests.template.platform_stack import KEY, STACK_ID, SWITCHES, platform

FOR_PEOPLE = {
    "NatsWorkerSecretArn": "the login of NoETL's own servers and workers",
    "NoetlSecurityGroupId": "worn by NoETL's own servers and workers",
}
"""Outputs that are no parameter of the app."""

LEFT_OUT = {
    "DatabaseUrl": "its parts are given",
    "DatabaseAuth": "its default is what the proxy takes",
    "DatabaseSecretArn": "the app logs in by IAM",
    "MigrationDatabaseUrl": "its parts are given",
    "NatsStream": "the nodes make the stream that the app expects by default",
    "NatsManageStream": "the app's login may not, and need not",
}
"""Parameters of the app for database, NATS and network that the platform has no output for."""

NODES = ("NodeA", "NodeB", "NodeC")


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return policy["Statement"]


def role_statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for policy in role["Policies"] for item in statements(policy["PolicyDocument"])]


@pytest.mark.parametrize("switch", ["EndpointServicePrincipals", "EncryptionKey=create"])
def test_every_output_is_a_parameter_of_the_app(template, switch):
    assert set(platform(switch).outputs) <= set(template["Parameters"]) | set(FOR_PEOPLE)


def test_the_app_is_told_all_about_database_nats_and_network(template):
    asked = {
        name
        for name in template["Parameters"]
        if re.match("Database|MigrationDatabase|Nats|Vpc|Subnet|SecurityGroup", name)
    }
    assert asked - set(platform("EndpointServicePrincipals").outputs) == set(LEFT_OUT)


def test_an_output_is_a_value_that_its_parameter_takes(template):
    for name, value in platform("EndpointServicePrincipals").outputs.items():
        declared = template["Parameters"].get(name, {})
        assert value in declared.get("AllowedValues", [value]), name
        assert re.search(declared.get("AllowedPattern", ""), value), name


@pytest.mark.parametrize("switch", SWITCHES)
def test_nothing_leads_out_of_the_vpc(switch):
    kinds = {item["Type"] for stack in platform(switch).all() for item in stack.resources.values()}
    for kind in ("InternetGateway", "NatGateway", "EgressOnlyInternetGateway", "Route", "EIP"):
        assert f"AWS::EC2::{kind}" not in kinds
    for subnet in platform().of_type("AWS::EC2::Subnet"):
        assert "MapPublicIpOnLaunch" not in subnet
    assert platform().only("AWS::RDS::DBInstance")["PubliclyAccessible"] is False
    assert platform().only("AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"] == "internal"


@pytest.mark.parametrize("switch", SWITCHES)
def test_ports_are_open_to_security_groups_and_endpoints_to_the_vpc(switch):
    stack = platform(switch)
    rules = stack.of_type("AWS::EC2::SecurityGroupIngress")
    for group in stack.of_type("AWS::EC2::SecurityGroup"):
        rules += group.get("SecurityGroupIngress", [])
    assert {rule["FromPort"] for rule in rules} == {443, 4222, 5432, 6222, 8222}
    for rule in rules:
        assert rule["FromPort"] == rule["ToPort"]
        assert "SourceSecurityGroupId" in rule or rule["CidrIp"] == "Vpc.CidrBlock"


def test_each_of_three_zones_has_a_subnet_a_node_and_an_endpoint():
    stack = platform()
    subnets = stack.of_type("AWS::EC2::Subnet")
    zones = [subnet["AvailabilityZone"] for subnet in subnets]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"]
    networks = [ipaddress.ip_network(subnet["CidrBlock"]) for subnet in subnets]
    assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)
    groups = stack.of_type("AWS::AutoScaling::AutoScalingGroup")
    assert [group["AvailabilityZones"] for group in groups] == [[zone] for zone in zones]
    volumes = stack.of_type("AWS::EC2::Volume")
    assert [volume["AvailabilityZone"] for volume in volumes] == zones
    for endpoint in stack.of_type("AWS::EC2::VPCEndpoint"):
        if endpoint["VpcEndpointType"] == "Interface":
            assert endpoint["SubnetIds"] == ["SubnetA", "SubnetB", "SubnetC"]


def test_the_migration_can_answer_cloudformation():
    (endpoint,) = [
        item
        for item in platform().of_type("AWS::EC2::VPCEndpoint")
        if item["VpcEndpointType"] == "Gateway"
    ]
    assert endpoint["ServiceName"] == "com.amazonaws.us-east-1.s3"
    assert endpoint["RouteTableIds"] == ["RouteTable"]
    (answer,) = [
        item for item in statements(endpoint["PolicyDocument"]) if item["Action"] == "s3:PutObject"
    ]
    assert answer["Resource"] == "arn:aws:s3:::cloudformation-custom-resource-response-*/*"


@pytest.mark.parametrize("switch", SWITCHES)
def test_endpoints_to_aws_are_made_where_they_are_needed(switch):
    services = {
        item["ServiceName"].rpartition(".")[2]
        for item in platform(switch).of_type("AWS::EC2::VPCEndpoint")
    }
    wanted = {"s3", "secretsmanager", "ec2", "cloudformation"}
    wanted |= {"sqs"} if switch == "SqsEndpoint=yes" else set()
    wanted |= {"ssm", "ssmmessages"} if switch == "SessionManager=yes" else set()
    assert services == wanted


@pytest.mark.parametrize("switch", SWITCHES)
def test_everything_at_rest_is_encrypted_and_with_the_key_where_there_is_one(switch):
    stack = platform(switch)
    key = {"EncryptionKey=create": "Key.Arn", "EncryptionKey=ARN": KEY}.get(switch)
    database = stack.only("AWS::RDS::DBInstance")
    assert database["StorageEncrypted"] is True
    assert database.get("PerformanceInsightsKMSKeyId") == database.get("KmsKeyId") == key
    assert database.get("MasterUserSecret", {}).get("KmsKeyId") == key
    disks = stack.of_type("AWS::EC2::Volume")
    for template in stack.of_type("AWS::EC2::LaunchTemplate"):
        disks += [disk["Ebs"] for disk in template["LaunchTemplateData"]["BlockDeviceMappings"]]
    assert len(disks) == 6
    for disk in disks:
        assert disk["Encrypted"] is True
        assert disk.get("KmsKeyId") == key
    for secret in stack.of_type("AWS::SecretsManager::Secret"):
        assert secret.get("KmsKeyId") == key


def test_data_outlives_the_stack():
    kept = {
        (item["Type"], item.get("DeletionPolicy"), item.get("UpdateReplacePolicy"))
        for stack in platform("EncryptionKey=create").all()
        for item in stack.resources.values()
        if item["Type"] in ("AWS::RDS::DBInstance", "AWS::EC2::Volume", "AWS::KMS::Key")
    }
    assert kept == {
        ("AWS::RDS::DBInstance", "Snapshot", "Snapshot"),
        ("AWS::EC2::Volume", "Retain", "Retain"),
        ("AWS::KMS::Key", "Retain", "Retain"),
    }


@pytest.mark.parametrize("switch", SWITCHES)
def test_deletion_is_refused_unless_a_parameter_says_so(switch):
    database = platform(switch).only("AWS::RDS::DBInstance")
    balancer = platform(switch).only("AWS::ElasticLoadBalancingV2::LoadBalancer")
    attributes = {item["Key"]: item["Value"] for item in balancer["LoadBalancerAttributes"]}
    expected = switch != "DeletionProtection=no"
    assert database["DeletionProtection"] is expected
    assert attributes["deletion_protection.enabled"] == str(expected).lower()
    assert attributes["load_balancing.cross_zone.enabled"] == "true"


def test_the_database_has_a_standby_backups_and_an_owner_whose_password_rds_keeps():
    database = platform().only("AWS::RDS::DBInstance")
    assert database["MultiAZ"] is True
    assert int(database["BackupRetentionPeriod"]) == 14
    assert database["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in database


def test_a_restored_database_keeps_what_its_snapshot_has():
    database = platform("DatabaseSnapshot").only("AWS::RDS::DBInstance")
    assert database["DBSnapshotIdentifier"] == SWITCHES["DatabaseSnapshot"]["DatabaseSnapshot"]
    assert "DBName" not in database
    assert "MasterUsername" not in database


def test_tls_is_forced_and_no_value_reaches_the_database_log():
    parameters = platform().only("AWS::RDS::DBParameterGroup")["Parameters"]
    assert parameters["rds.force_ssl"] == "1"
    assert parameters["log_parameter_max_length"] == "0"
    assert parameters["log_parameter_max_length_on_error"] == "0"
    assert parameters["log_error_verbosity"] == "terse"


def test_the_proxy_wants_iam_and_tls_on_both_sides_and_keeps_no_secret():
    proxy = platform().only("AWS::RDS::DBProxy")
    assert proxy["DefaultAuthScheme"] == "IAM_AUTH"
    assert proxy["RequireTLS"] is True
    assert "Auth" not in proxy
    assert platform().only("AWS::RDS::DBInstance")["EnableIAMDatabaseAuthentication"] is True
    (role,) = [
        role
        for role in platform().of_type("AWS::IAM::Role")
        if "rds.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
    ]
    (statement,) = role_statements(role)
    assert statement["Action"] == "rds-db:connect"
    assert statement["Resource"] == (
        "arn:aws:rds-db:us-east-1:123456789012:dbuser:Database.DbiResourceId/noetl_serverless_app"
    )


def test_the_name_of_the_proxy_is_one_that_rds_takes():
    name = platform().only("AWS::RDS::DBProxy")["DBProxyName"]
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name)
    assert name.endswith(STACK_ID.rpartition("/")[2])


def test_the_migration_goes_past_the_proxy():
    outputs = platform().outputs
    assert outputs["DatabaseHost"] == "Proxy.Endpoint"
    assert outputs["MigrationDatabaseHost"] == "Database.Endpoint.Address"
    assert outputs["MigrationDatabaseSecretArn"] == "Database.MasterUserSecret.SecretArn"
    assert outputs["DatabaseResourceId"] == "prx-0a1b2c3d"


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_role_names_its_actions_and_resources(switch):
    for role in platform(switch).of_type("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role
        for statement in role_statements(role):
            assert "*" not in str(statement["Action"])
            # Session Manager's actions know no resource.
            assert statement["Resource"] != "*" or statement["Sid"] == "OpenSessions"


def test_a_node_may_attach_its_own_volume_to_its_own_machine():
    for node in (platform().children["Nats"].children[name] for name in NODES):
        attach = {
            item["Resource"].rpartition(":")[2]: item.get("Condition")
            for item in role_statements(node.only("AWS::IAM::Role"))
            if item["Action"] == "ec2:AttachVolume"
        }
        own = {"StringEquals": {"aws:ResourceTag/noetl-node": "Volume"}}
        assert attach == {"volume/Volume": None, "instance/*": own}
        (tag,) = [
            tag
            for tag in node.only("AWS::AutoScaling::AutoScalingGroup")["Tags"]
            if tag["Key"] == "noetl-node"
        ]
        assert tag == {"Key": "noetl-node", "Value": "Volume", "PropagateAtLaunch": True}


def test_machines_have_no_key_pair_and_guard_their_credentials():
    for template in platform().of_type("AWS::EC2::LaunchTemplate"):
        data = template["LaunchTemplateData"]
        assert "KeyName" not in data
        assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def test_a_node_keeps_its_address_and_is_replaced_by_its_machine_alone():
    for node, interface in zip(NODES, ("InterfaceA", "InterfaceB", "InterfaceC"), strict=True):
        stack = platform().children["Nats"].children[node]
        data = stack.only("AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
        assert data["NetworkInterfaces"] == [
            {"DeviceIndex": 0, "NetworkInterfaceId": interface, "DeleteOnTermination": False}
        ]
        group = stack.only("AWS::AutoScaling::AutoScalingGroup")
        assert (group["MinSize"], group["MaxSize"]) == ("1", "1")
        assert group["HealthCheckType"] == "EC2"


def test_an_update_replaces_one_node_after_another_and_waits_for_its_health():
    nats = platform().children["Nats"]
    assert nats.resources["NodeB"]["DependsOn"] == "NodeA"
    assert nats.resources["NodeC"]["DependsOn"] == "NodeB"
    for node in NODES:
        update = nats.children[node].resources["Group"]["UpdatePolicy"]["AutoScalingRollingUpdate"]
        assert update["WaitOnResourceSignals"] is True
        assert (update["MinInstancesInService"], update["MaxBatchSize"]) == (0, 1)


def test_the_endpoint_service_is_for_those_who_are_listed():
    kinds = ("AWS::EC2::VPCEndpointService", "AWS::EC2::VPCEndpointServicePermissions")
    assert not any(platform().of_type(kind) for kind in kinds)
    assert "NatsEndpointServiceName" not in platform().outputs
    stack = platform("EndpointServicePrincipals")
    allowed = stack.only(kinds[1])["AllowedPrincipals"]
    assert ",".join(allowed) == SWITCHES["EndpointServicePrincipals"]["EndpointServicePrincipals"]
    name = stack.outputs["NatsEndpointServiceName"]
    assert name == "com.amazonaws.vpce.us-east-1.EndpointService"


def test_the_key_lets_logs_and_publishers_use_it():
    policy = platform("EncryptionKey=create").only("AWS::KMS::Key")["KeyPolicy"]
    services: dict[str, set[str]] = {}
    for statement in statements(policy):
        named = statement["Principal"].get("Service", []) if statement["Principal"] != "*" else []
        for service in [named] if isinstance(named, str) else named:
            services[service] = set(statement["Action"])
    assert set(services) == {
        "logs.us-east-1.amazonaws.com",
        *(f"{name}.amazonaws.com" for name in ("cloudwatch", "events", "scheduler", "sns")),
    }
    assert all({"kms:Decrypt", "kms:GenerateDataKey*"} <= actions for actions in services.values())


def test_the_key_is_for_this_account_alone():
    policy = platform("EncryptionKey=create").only("AWS::KMS::Key")["KeyPolicy"]
    for statement in statements(policy):
        if statement["Principal"] == {"AWS": "*"}:
            condition = statement["Condition"]["StringEquals"]
            assert condition["kms:CallerAccount"] == "123456789012"
            assert all("us-east-1.amazonaws.com" in name for name in condition["kms:ViaService"])


def test_every_alarm_reaches_the_topic_and_says_where_to_read_on():
    topic = SWITCHES["AlarmTopicArn"]["AlarmTopicArn"]
    alarms = platform("AlarmTopicArn").of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) == 4
    for alarm in alarms:
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
        assert re.search(r"docs/operations\.md#[a-z-]+$", alarm["AlarmDescription"])
    assert not any("AlarmActions" in item for item in platform().of_type("AWS::CloudWatch::Alarm"))
