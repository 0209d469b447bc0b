"""Functions, routes, schedules as ``template.yaml`` has them: the only source, as on AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from local.cloudformation import Resolver, load
from local.errors import LocalError

_GATEWAY_SECONDS = 30.0
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function.

    :ivar name: its logical id, such as ``ExecuteFunction``
    :ivar code: the folder that is /var/task on AWS
    :ivar layers: the folders that are /opt/python on AWS
    :ivar timeout: in seconds
    :ivar memory: in MB
    """

    name: str
    code: Path
    handler: str
    runtime: str
    timeout: float
    memory: int
    environment: Mapping[str, str]
    layers: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the HTTP API; ``timeout`` of its integration in seconds."""

    method: str
    path: str
    function: str
    timeout: float

    @property
    def key(self) -> str:
        """The route's key as API Gateway writes it: ``POST /api/execute``."""
        return f"{self.method} {self.path}"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path parameters, decoded, if the request is for this route.

        :param path: as it came, percent signs and all
        """
        if self.method != method:
            return None
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", pattern)
        found = re.fullmatch(pattern, path)
        return (
            {name: unquote(value) for name, value in found.groupdict().items()} if found else None
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """An event of a function that comes again and again; ``seconds`` lie between."""

    name: str
    function: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Template:
    """The functions by name, the routes with the most exact ones first, the schedules."""

    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    schedules: tuple[Schedule, ...] = ()

    def route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Find the route of a request and its path parameters."""
        for route in self.routes:
            parameters = route.match(method, path)
            if parameters is not None:
                return route, parameters
        return None


def read_template(
    file: Path,
    parameters: Mapping[str, str] | None = None,
    environment: Mapping[str, Mapping[str, str]] | None = None,
) -> Template:
    """Read functions, routes and the schedules of functions.

    :param environment: values that replace those of the template, by function, ``*`` for all; as
        with ``sam local``, only variables that the template declares take effect
    :raises LocalError: the file is missing, or says what the local stack does not know
    """
    raw = load(file)
    reader = _Reader(file, raw, Resolver(raw, parameters or {}), environment or {})
    functions = reader.functions()
    routes = reader.routes()
    for route in routes:
        if route.function not in functions:
            raise LocalError(f"{file.name}: {route.key} leads to no function of the template")
    return Template(functions, routes, reader.schedules())


@dataclass(frozen=True, slots=True)
class _Reader:
    file: Path
    raw: Mapping[str, Any]
    resolver: Resolver
    environment: Mapping[str, Mapping[str, str]]

    def functions(self) -> dict[str, Function]:
        defaults = self.resolver.resolve(self.raw.get("Globals", {}).get("Function", {}))
        return {
            name: self._function(name, defaults, properties)
            for name, properties in self._resources("AWS::Serverless::Function")
        }

    def routes(self) -> tuple[Route, ...]:
        routes = [
            self._route(method, path, operation["x-amazon-apigateway-integration"])
            for _, properties in self._resources("AWS::Serverless::HttpApi")
            for path, operations in properties["DefinitionBody"]["paths"].items()
            for method, operation in operations.items()
            if method in _METHODS
        ]
        routes.sort(key=lambda route: (route.path.count("+}"), route.path.count("{")))
        return tuple(routes)

    def schedules(self) -> tuple[Schedule, ...]:
        return tuple(
            Schedule(name, function, self._seconds(event["Properties"]["Schedule"]))
            for function, properties in self._resources("AWS::Serverless::Function")
            for name, event in properties.get("Events", {}).items()
            if event["Type"] == "Schedule"
        )

    def _seconds(self, expression: str) -> float:
        found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
        if found is None:
            raise LocalError(f"{self.file.name}: the schedule {expression} is no rate")
        return int(found[1]) * _MINUTES[found[2]] * 60.0

    def _resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, resource in self.raw.get("Resources", {}).items():
            if resource["Type"] == kind:
                yield name, self.resolver.resolve(resource["Properties"])

    def _function(
        self, name: str, defaults: Mapping[str, Any], properties: Mapping[str, Any]
    ) -> Function:
        merged = {**defaults, **properties}
        layers = [self.raw["Resources"][layer]["Properties"] for layer in merged.get("Layers", [])]
        return Function(
            name=name,
            code=self._folder(merged["CodeUri"]),
            handler=merged["Handler"],
            runtime=merged["Runtime"],
            timeout=float(merged.get("Timeout", 3)),
            memory=int(merged.get("MemorySize", 128)),
            environment=self._variables(name, defaults, properties),
            layers=tuple(self._folder(layer["ContentUri"]) for layer in layers),
        )

    def _variables(self, name: str, *levels: Mapping[str, Any]) -> dict[str, str]:
        declared: dict[str, str] = {}
        for level in levels:
            variables = level.get("Environment", {}).get("Variables", {})
            declared |= {key: str(value) for key, value in variables.items()}
        given = {**self.environment.get("*", {}), **self.environment.get(name, {})}
        return declared | {key: value for key, value in given.items() if key in declared}

    def _folder(self, path: str) -> Path:
        return (self.file.parent / path).resolve()

    def _route(self, method: str, path: str, integration: Mapping[str, Any]) -> Route:
        if integration.get("payloadFormatVersion") != "2.0":
            raise LocalError(f"{self.file.name}: {path} is not of payload format 2.0")
        target = re.search(r":function:(\w+)", integration["uri"])
        seconds = integration.get("timeoutInMillis", _GATEWAY_SECONDS * 1000) / 1000
        return Route(method.upper(), path, target[1] if target else "", float(seconds))
