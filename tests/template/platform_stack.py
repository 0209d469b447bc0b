"""The platform's templates: every stack of it, as one set of parameters resolves it."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.cloudformation import Resolver, load

FOLDER = Path(__file__).parents[2] / "platform"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/platform/5a1b2c3d-0000-1111"

BASE = {
    "Zones": "us-east-1a,us-east-1b,us-east-1c",
    "NatsBucket": "artifacts",
    "NatsObject": "nats-server-v2.15.1-linux-arm64.tar.gz",
    "NatsSha256": "0" * 64,
    "NatsTlsSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:nats-tls-AbCdEf",
    "NatsCa": "MIIB",
}
"""What the platform cannot do without."""

KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-1111-2222-333344445555"

SWITCHES: dict[str, dict[str, str]] = {
    "defaults": {},
    "SqsEndpoint=yes": {"SqsEndpoint": "yes"},
    "SessionManager=yes": {"SessionManager": "yes"},
    "DeletionProtection=no": {"DeletionProtection": "no"},
    "EncryptionKey=create": {"EncryptionKey": "create"},
    "EncryptionKey=ARN": {"EncryptionKey": KEY},
    "AlarmTopicArn": {"AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms"},
    "DatabaseSnapshot": {"DatabaseSnapshot": "platform-snapshot-database"},
    "EndpointServicePrincipals": {
        "EndpointServicePrincipals": "arn:aws:iam::210987654321:root,arn:aws:iam::210987654322:root"
    },
}
"""Sets of parameters that together take every way through the templates."""


class Stack(Resolver):
    """One stack of the platform, and the stacks within it.

    :ivar resources: the resources that the conditions leave, with every function resolved
    :ivar children: the stacks within, by logical name
    """

    def __init__(self, file: str = "template.yaml", **parameters: str) -> None:
        self.template = load(FOLDER / file)
        super().__init__(self.template, parameters)
        for name, declared in self.template["Parameters"].items():
            if declared["Type"].startswith("List<"):
                self._values[name] = self._values[name].split(",")
        self._values["AWS::StackId"] = STACK_ID
        self.file = file
        self.children: dict[str, Stack] = {}
        self.resources: dict[str, dict[str, Any]] = {}
        for name, resource in self._in_order_of_need():
            resolved = self.resolve(resource)
            self.resources[name] = resolved
            if resolved["Type"] == "AWS::CloudFormation::Stack":
                given = resolved["Properties"]
                self.children[name] = Stack(given["TemplateURL"], **given["Parameters"])
        self.outputs = {
            name: self.resolve(output["Value"])
            for name, output in self.template["Outputs"].items()
            if self._is_wanted(output)
        }

    def _in_order_of_need(self) -> Iterator[tuple[str, dict[str, Any]]]:
        # The templates name a stack before those that ask for its outputs.
        for name, resource in self.template["Resources"].items():
            if self._is_wanted(resource):
                yield name, {key: item for key, item in resource.items() if key != "Condition"}

    def _is_wanted(self, item: dict[str, Any]) -> bool:
        return "Condition" not in item or self._holds(item["Condition"])

    def all(self) -> list[Stack]:
        """This stack and those within, at any depth."""
        return [self, *(stack for child in self.children.values() for stack in child.all())]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The properties of every resource of a type, in all stacks."""
        return [
            resource["Properties"]
            for stack in self.all()
            for resource in stack.resources.values()
            if resource["Type"] == kind
        ]

    def only(self, kind: str) -> dict[str, Any]:
        """The properties of the one resource of a type."""
        (found,) = self.of_type(kind)
        return found

    def without_conditions(self) -> dict[str, Any]:
        """The template with the ways that are not taken cut off; other functions stay."""
        template = {key: item for key, item in self.template.items() if key != "Conditions"}
        for section in ("Resources", "Outputs"):
            kept = {name: item for name, item in template[section].items() if self._is_wanted(item)}
            template[section] = self._cut(kept)
        return template

    def _cut(self, node: Any) -> Any:
        if isinstance(node, list):
            return [item for item in map(self._cut, node) if item != {"Ref": "AWS::NoValue"}]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::If"}:
            condition, yes, no = node["Fn::If"]
            return self._cut(yes if self._holds(condition) else no)
        cut = {key: self._cut(item) for key, item in node.items() if not _is_condition(key, item)}
        return {key: item for key, item in cut.items() if item != {"Ref": "AWS::NoValue"}}

    def _fn_getatt(self, path: list[str]) -> Any:
        resource, attribute = path
        if attribute.startswith("Outputs."):
            return self.children[resource].outputs[attribute.removeprefix("Outputs.")]
        if attribute == "DBProxyArn":
            return "arn:aws:rds:us-east-1:123456789012:db-proxy:prx-0a1b2c3d"
        return f"{resource}.{attribute}"

    def _fn_cidr(self, argument: list[Any]) -> list[str]:
        block, count, bits = argument
        subnets = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(next(subnets)) for _ in range(int(count))]

    def _fn_base64(self, text: str) -> str:
        return text  # as it was written: who asks wants to read it


def _is_condition(key: str, item: Any) -> bool:
    # Of a resource or an output; a policy's Condition is an object.
    return key == "Condition" and isinstance(item, str)


@functools.cache
def platform(switch: str = "defaults") -> Stack:
    """The platform with the parameters of a switch; not to be changed."""
    return Stack(**BASE, **SWITCHES[switch])
