"""The functions of CloudFormation that template.yaml uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cloudformation import Resolver, load
from local.errors import LocalError

TEMPLATE = """
Parameters:
  Name: {Type: String, Default: ada}
  Url: {Type: String}
  Subnets: {Type: CommaDelimitedList, Default: ""}
  Zones: {Type: CommaDelimitedList, Default: "a,b"}
Conditions:
  IsAda: !Equals [!Ref Name, ada]
  HasUrl: !Not [!Equals [!Ref Url, ""]]
  Both: !And [!Condition IsAda, !Condition HasUrl]
  Either: !Or [!Condition IsAda, !Condition HasUrl]
  HasSubnets: !Not [!Equals [!Join ["", !Ref Subnets], ""]]
"""


def resolved(tmp_path: Path, text: str, **parameters: str) -> Any:
    file = tmp_path / "template.yaml"
    file.write_text(f"{TEMPLATE}\nValue: {text}\n")
    template = load(file)
    return Resolver(template, parameters).resolve(template["Value"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("!Ref Name", "ada"),
        ("!Ref Url", ""),
        ("!Ref Subnets", []),
        ("!Ref Zones", ["a", "b"]),
        ("!Ref SomeResource", "SomeResource"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Sub '${Name}@${AWS::Region}/${!literal}'", "ada@us-east-1/${literal}"),
        ("!Sub ['${Name}-${Own}', {Own: !Ref Name}]", "ada-ada"),
        ("!If [IsAda, yes-it-is, no]", "yes-it-is"),
        ("!If [HasUrl, {a: 1}, {b: 2}]", {"b": 2}),
        ("!If [Both, 1, 0]", 0),
        ("!If [Either, 1, 0]", 1),
        ("!If [HasSubnets, 1, 0]", 0),
        ("{kept: 1, gone: !Ref AWS::NoValue}", {"kept": 1}),
        ("[1, !If [HasUrl, 2, !Ref AWS::NoValue]]", [1]),
        ("!Join ['-', [!Ref Name, b]]", "ada-b"),
        ("!Select [1, !Split [':', 'a:b']]", "b"),
        ("!GetAtt Some.Arn", "arn:aws:lambda:us-east-1:123456789012:function:Some"),
        ("!GetAtt Queue.QueueName", "Queue.QueueName"),
        ("!Sub '${Some.Arn}:live'", "arn:aws:lambda:us-east-1:123456789012:function:Some:live"),
    ],
)
def test_a_function_has_its_value(tmp_path: Path, text: str, value: Any):
    assert resolved(tmp_path, text) == value


def test_a_given_parameter_replaces_its_default(tmp_path: Path):
    assert resolved(tmp_path, "!If [Both, !Ref Name, no]", Url="u") == "ada"


def test_a_function_that_is_not_known_is_named(tmp_path: Path):
    with pytest.raises(LocalError, match="Fn::Cidr"):
        resolved(tmp_path, "!Cidr [a, b]")


def test_a_template_with_a_broken_line_is_told(tmp_path: Path):
    with pytest.raises(LocalError, match="cannot be read"):
        resolved(tmp_path, "[")


def test_only_plain_values_are_ever_constructed(tmp_path: Path):
    file = tmp_path / "template.yaml"
    file.write_text("a: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(LocalError) as caught:
        load(file)
    assert isinstance(caught.value.__cause__, yaml.constructor.ConstructorError)
