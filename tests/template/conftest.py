"""The template as it is written, as its parameters resolve it, and as SAM transforms it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import Resolver, load
from tests.template.switches import BASE, SWITCHES

Orders = list[dict[str, Any]]


class StackResolver(Resolver):
    """Knows beside the rest what AWS says of an interface endpoint: ``[zone id:DNS name, …]``."""

    def _fn_getatt(self, path: list[str]) -> Any:
        if path[1] == "DnsEntries":
            return ["Z1HUB23UULQXV:vpce-0a1b.vpce-svc-0c1d.eu-central-1.vpce.amazonaws.com"]
        return super()._fn_getatt(path)


@dataclass(frozen=True)
class Resolved:
    """The template with its parameters put in; resources that a condition leaves out are gone."""

    resources: dict[str, dict[str, Any]]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by name."""
        found = {name: item for name, item in self.resources.items() if item["Type"] == kind}
        return {name: item["Properties"] for name, item in found.items()}

    def environment(self, function: str) -> dict[str, str]:
        """The environment variables of a function."""
        own = self.resources[function]["Properties"]["Environment"]["Variables"]
        return {name: str(value) for name, value in own.items()}


@pytest.fixture(scope="session")
def template_file(repository: Path) -> Path:
    return repository / "template.yaml"


@pytest.fixture(scope="session")
def template(template_file: Path) -> dict[str, Any]:
    return load(template_file)


@pytest.fixture(scope="session")
def resolve(template: dict[str, Any]) -> Callable[..., Resolved]:
    """Resolve the template: ``resolve(AuthorizerType="JWT")``."""

    def resolve(**parameters: str) -> Resolved:
        resolver = StackResolver(template, BASE | parameters)
        resources = {
            name: resolver.resolve(resource)
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or resolver.resolve({"Condition": resource["Condition"]})
        }
        return Resolved(resources)

    return resolve


@pytest.fixture(scope="session")
def released(sam_environment: Path, template_file: Path) -> Callable[[Orders], Orders]:
    """Have SAM transform the template, once for each order; see sam_worker.py."""
    worker = Path(__file__).with_name("sam_worker.py")

    def released(orders: Orders) -> Orders:
        with subprocess.Popen(
            [sam_environment / "bin" / "python", worker, template_file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        ) as process:
            try:
                answer, complaint = process.communicate(json.dumps(orders))
            finally:  # a timeout of ours must not leave its own processes behind
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, complaint
        return json.loads(answer)

    return released


def order(layer: str = "s3://artifacts/layer-1", lint: bool = False, **parameters: str) -> dict:
    """Return what `released` is asked for."""
    return {"parameters": BASE | parameters, "layer": layer, "lint": lint}


@pytest.fixture(scope="session")
def linted(released: Callable[[Orders], Orders]) -> dict[str, dict[str, Any]]:
    """The transformed template of each switch, with what cfn-lint has against it."""
    orders = [order(lint=True, **parameters) for parameters in SWITCHES.values()]
    return dict(zip(SWITCHES, released(orders), strict=True))
