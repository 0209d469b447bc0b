"""Combinations of parameters that the template's rules refuse before anything is created."""

from __future__ import annotations

from typing import Any

import pytest

from local.cloudformation import Resolver
from tests.template.switches import BASE, SWITCHES

ENDPOINT = {"NatsEndpointServiceName": "com.amazonaws.vpce.eu-central-1.vpce-svc-0a1b2c3d"}


class RuleResolver(Resolver):
    """Rules know functions that resources do not."""

    def _fn_contains(self, argument: list[Any]) -> bool:
        # An empty list parameter is a list of one empty text.
        return argument[1] in (argument[0] or [""])


def refusals(template: dict[str, Any], parameters: dict[str, str]) -> set[str]:
    resolver = RuleResolver(template, BASE | parameters)
    return {
        name
        for name, rule in template["Rules"].items()
        if resolver.resolve(rule.get("RuleCondition", True))
        and not all(resolver.resolve(item["Assert"]) for item in rule["Assertions"])
    }


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [
        ({"AuthorizerType": "NONE"}, "PublicApiIsMeant"),
        ({"AuthorizerType": "JWT"}, "JwtIsComplete"),
        ({"AuthorizerType": "JWT", "JwtIssuer": "https://login.example.com"}, "JwtIsComplete"),
        ({"DatabaseHost": ""}, "DatabaseIsGiven"),
        ({"DatabaseHost": "", "DatabaseUrl": "postgresql://app@db/noetl"}, "DatabaseIsGiven"),
        ({"ObjectsPath": "examples/invoices"}, "ObjectsAreSomewhere"),
        (ENDPOINT, "NetworkIsComplete"),
        (ENDPOINT | {"VpcId": "vpc-0a1b2c3d", "SubnetIds": "subnet-0a1b2c3d"}, "NetworkIsComplete"),
    ],
)
def test_a_combination_that_cannot_work_is_refused(template, parameters, rule):
    assert refusals(template, parameters) == {rule}


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_works_is_not_refused(template, switch):
    assert refusals(template, SWITCHES[switch]) == set()
