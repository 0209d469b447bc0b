"""The switches of template.yaml: sets of parameters that together take every way through it."""

from __future__ import annotations

BASE = {
    "PublicServerUrl": "https://noetl.example.com",
    "DatabaseHost": "db.example.com",
    "DatabaseResourceId": "prx-0a1b2c3d4e5f60718",
}
"""What a stack cannot do without."""

_SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
_KEYS = "arn:aws:kms:eu-central-1:123456789012:key/"
_JWT = {"JwtIssuer": "https://login.example.com/", "JwtAudience": "noetl,other"}
_NETWORK = {"SubnetIds": "subnet-0a1b2c3d,subnet-1a2b3c4d", "SecurityGroupIds": "sg-0a1b2c3d"}
_ENDPOINT = {
    "NatsEndpointServiceName": "com.amazonaws.vpce.eu-central-1.vpce-svc-0a1b2c3d4e5f60718"
}

SWITCHES: dict[str, dict[str, str]] = {
    "defaults": {},
    "AuthorizerType=JWT": {"AuthorizerType": "JWT", **_JWT},
    "AuthorizerType=NONE": {"AuthorizerType": "NONE", "AllowPublicApi": "yes"},
    "ReleaseShift=Linear10PercentEvery1Minute": {"ReleaseShift": "Linear10PercentEvery1Minute"},
    "ReleaseShift=AllAtOnce": {"ReleaseShift": "AllAtOnce"},
    "ReleaseShift=Unchecked": {"ReleaseShift": "Unchecked"},
    "StartMode=SnapStart": {"StartMode": "SnapStart"},
    "StartMode=Provisioned": {"StartMode": "Provisioned"},
    "Architecture=arm64": {"Architecture": "arm64"},
    "NatsManageStream=true": {"NatsManageStream": "true"},
    "LogLevel=DEBUG": {"LogLevel": "DEBUG"},
    "LogLevel=WARN": {"LogLevel": "WARN"},
    "LogLevel=ERROR": {"LogLevel": "ERROR"},
    "ReservedConcurrency": {"ReservedConcurrency": "20"},
    "DatabaseUrl": {
        "DatabaseHost": "",
        "DatabaseUrl": "postgresql://noetl_serverless_app@db.example.com/noetl",
        "MigrationDatabaseUrl": "postgresql://postgres@db.example.com/noetl",
    },
    "MigrationDatabaseHost": {"MigrationDatabaseHost": "instance.example.com"},
    "DatabaseAuth=url": {"DatabaseAuth": "url"},
    "KmsKeyArn": {"KmsKeyArn": f"{_KEYS}0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
    "DataKmsKeyArn": {"DataKmsKeyArn": f"{_KEYS}1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
    "secrets": {
        "DatabaseAuth": "secret",
        "DatabaseSecretArn": f"{_SECRET}app-AbCdEf",
        "MigrationDatabaseSecretArn": f"{_SECRET}owner-AbCdEf",
        "NatsSecretArn": f"{_SECRET}nats-AbCdEf",
    },
    "VPC": {**_NETWORK, "NatsUrl": "tls://nats.example.com:4222"},
    "NATS endpoint": {**_NETWORK, **_ENDPOINT, "VpcId": "vpc-0a1b2c3d"},
    "NATS endpoint with TLS": {
        **_NETWORK,
        **_ENDPOINT,
        "VpcId": "vpc-0a1b2c3d",
        "NatsTlsHostname": "nats.noetl.internal",
    },
    "alarms": {
        "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
        "AlarmProxyName": "noetl-prod",
        "AlarmWithoutStarts": "yes",
    },
    "NightlyPath": {"NightlyPath": "examples/nightly_close"},
    "ObjectsPath": {"ObjectsPath": "examples/invoices", "ObjectsBucket": "invoices-example"},
    "BusEventPath": {"BusEventPath": "examples/orders"},
    "TriggerSourceArns": {
        "TriggerSourceArns": "arn:aws:sns:eu-central-1:123456789012:orders,"
        "arn:aws:events:eu-central-1:123456789012:rule/own"
    },
    "every trigger": {
        "NightlyPath": "examples/nightly_close",
        "ObjectsPath": "examples/invoices",
        "ObjectsBucket": "invoices-example",
        "BusEventPath": "examples/orders",
        "TriggerSourceArns": "arn:aws:sns:eu-central-1:123456789012:orders",
        "TriggerDefaultPath": "examples/events",
    },
    "ReleaseId": {"ReleaseId": "0123456789abcdef"},
}
