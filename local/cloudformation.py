"""The part of CloudFormation that ``template.yaml`` uses: its YAML tags and its functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.errors import LocalError

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "local",
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """Reads ``!Ref x`` as ``{"Ref": "x"}`` and any other ``!Name x`` as ``{"Fn::Name": x}``."""


def _construct_tag(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _construct_tag)


def load(file: Path) -> dict[str, Any]:
    """Read a template as it is, its functions unresolved.

    :raises LocalError: the file is missing or is no YAML
    """
    try:
        # A SafeLoader underneath: it constructs plain values and nothing else.
        template = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        raise LocalError(f"{file} cannot be read: {error}") from error
    if not isinstance(template, dict):
        raise LocalError(f"{file} is no CloudFormation template")
    return template


class Resolver:
    """Resolves the functions of a template, given some of its parameters.

    A parameter with neither value nor default is empty. ``Ref`` of a resource is its name, and
    ``GetAtt`` of its Arn an ARN that ends in its name.
    """

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._conditions = template.get("Conditions", {})
        self._mappings = template.get("Mappings", {})
        self._values: dict[str, Any] = dict(_PSEUDO_PARAMETERS)
        for name, declared in template.get("Parameters", {}).items():
            value = str(parameters.get(name, declared.get("Default", "")))
            is_list = declared["Type"] == "CommaDelimitedList"
            self._values[name] = [part for part in value.split(",") if part] if is_list else value

    def resolve(self, node: Any) -> Any:
        """Return the node with every function in it replaced by its value."""
        if isinstance(node, list):
            items = [self.resolve(item) for item in node]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name in ("Ref", "Condition") or str(name).startswith("Fn::"):
                return self._call(name.removeprefix("Fn::"), argument)
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not _NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        if name == "Sub":
            return self._substitute(argument)
        if name == "If":
            condition, yes, no = argument
            return self.resolve(yes if self._holds(condition) else no)
        if name == "Condition":
            return self._holds(argument)
        function = getattr(self, f"_fn_{name.lower()}", None)
        if function is None:
            raise LocalError(f"template.yaml: the local stack does not know Fn::{name}")
        return function(self.resolve(argument))

    def _holds(self, condition: str) -> bool:
        return bool(self.resolve(self._conditions[condition]))

    def _substitute(self, argument: Any) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})
        variables = self.resolve(given)

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return str(variables[name])
            return str(self._fn_getatt(name.split(".", 1)) if "." in name else self._fn_ref(name))

        return re.sub(r"\$\{([^}]+)\}", value_of, text)

    def _fn_ref(self, name: str) -> Any:
        return _NO_VALUE if name == "AWS::NoValue" else self._values.get(name, name)

    def _fn_getatt(self, path: list[str]) -> str:
        resource, attribute = path
        if attribute == "Arn":
            region, account = self._values["AWS::Region"], self._values["AWS::AccountId"]
            return f"arn:aws:lambda:{region}:{account}:function:{resource}"
        return f"{resource}.{attribute}"

    def _fn_findinmap(self, path: list[str]) -> Any:
        mapping, key, name = path
        return self._mappings[mapping][key][name]

    def _fn_equals(self, pair: list[Any]) -> bool:
        return str(pair[0]) == str(pair[1])

    def _fn_not(self, values: list[Any]) -> bool:
        return not values[0]

    def _fn_and(self, values: list[Any]) -> bool:
        return all(values)

    def _fn_or(self, values: list[Any]) -> bool:
        return any(values)

    def _fn_join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(map(str, argument[1]))

    def _fn_split(self, argument: list[Any]) -> list[str]:
        return str(argument[1]).split(argument[0])

    def _fn_select(self, argument: list[Any]) -> Any:
        return argument[1][int(argument[0])]
