"""Transform and lint a template with the tools of the SAM CLI: what AWS would make of it.

``python sam_worker.py TEMPLATE < releases.json``, run by the Python of ``.venv-sam``, since the SAM
CLI pins packages that the project has in other versions. Reads a list of
``{"parameters": {…}, "layer": S3 URI, "lint": bool}`` and prints a list of
``{"template": …, "faults": ["E3012 …", …]}``.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cfnlint
from samcli.commands.validate.lib.exceptions import InvalidSamDocumentException
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse


class _NoManagedPolicies:
    """The template must not need the names of AWS's policies, which are asked of AWS."""

    def load(self) -> dict[str, str]:
        return {}


def release(text: str, order: dict[str, Any]) -> dict[str, Any]:
    """Return the transformed template of one release, and what cfn-lint has against it."""
    template = yaml_parse(text)
    for name, value in order["parameters"].items():
        template["Parameters"][name]["Default"] = value
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = order["layer"]
        if resource["Type"] == "AWS::CloudFormation::Stack":  # as sam deploy uploads it
            resource["Properties"]["TemplateURL"] = "https://artifacts.s3.amazonaws.com/within"
    values = {
        name: declared.get("Default", "") for name, declared in template["Parameters"].items()
    }
    validator = SamTemplateValidator(
        template, _NoManagedPolicies(), region="eu-central-1", parameter_overrides=values
    )
    try:
        transformed = yaml_parse(validator.get_translated_template_if_valid())
    except InvalidSamDocumentException as error:
        return {"template": None, "faults": [str(error)]}
    faults = _lint(transformed) if order["lint"] else []
    return {"template": transformed, "faults": faults}


def _lint(template: dict[str, Any]) -> list[str]:
    found = cfnlint.lint(json.dumps(template, default=str), regions=["eu-central-1"])
    return [f"{match.rule.id} {match.message}" for match in found]


if __name__ == "__main__":
    source = Path(sys.argv[1]).read_text(encoding="utf-8")
    with ProcessPoolExecutor() as pool:
        print(
            json.dumps(list(pool.map(partial(release, source), json.load(sys.stdin))), default=str)
        )
