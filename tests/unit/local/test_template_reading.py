"""Functions and routes, as template.yaml has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.errors import LocalError
from local.template import Route, Schedule, Template, read_template

TEMPLATE = """
Globals:
  Function:
    Runtime: python3.13
    Handler: app.lambda_handler
    Timeout: 15
    Layers: [!Ref Layer]
    Environment: {Variables: {COMMON: a, DATABASE_URL: ""}}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/one}
  FirstFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/first
      Timeout: 5
      MemorySize: 256
      Environment: {Variables: {OWN: 7, COMMON: b}}
  SecondFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/second
      Events:
        Often: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
        Seldom: {Type: Schedule, Properties: {Schedule: rate(2 hours)}}
        Queue: {Type: SQS, Properties: {Queue: x}}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefinitionBody:
        paths:
          /things/{proxy+}: {get: &Second {x-amazon-apigateway-integration: {
            payloadFormatVersion: "2.0", uri: !Sub "a/${SecondFunction.Arn}:live/invocations"}}}
          /things/{id}: {get: *Second, put: *Second}
          /things/{id}/parts/{part}: {get: *Second}
          /things/all:
            get:
              x-amazon-apigateway-integration:
                payloadFormatVersion: "2.0"
                timeoutInMillis: 2000
                uri: !Sub "arn:x/${FirstFunction.Arn}:live/invocations"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    return file


def test_a_function_has_what_all_share_and_what_is_its_own(file: Path):
    functions = read_template(file).functions
    first, second = functions["FirstFunction"], functions["SecondFunction"]
    assert (first.timeout, first.memory) == (5, 256)
    assert (second.timeout, second.memory) == (15, 128)
    assert first.environment == {"COMMON": "b", "DATABASE_URL": "", "OWN": "7"}
    assert first.code == file.parent / "functions" / "first"
    assert second.layers == (file.parent / "layers" / "one",)


def test_given_variables_replace_declared_ones_and_add_none(file: Path):
    given = {
        "*": {"DATABASE_URL": "for all", "UNDECLARED": "x"},
        "SecondFunction": {"DATABASE_URL": "for one"},
    }
    functions = read_template(file, environment=given).functions
    assert functions["FirstFunction"].environment["DATABASE_URL"] == "for all"
    assert functions["SecondFunction"].environment["DATABASE_URL"] == "for one"
    assert "UNDECLARED" not in functions["FirstFunction"].environment


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/things/all", "GET /things/all", {}),
        ("GET", "/things/7", "GET /things/{id}", {"id": "7"}),
        ("PUT", "/things/a%20b", "PUT /things/{id}", {"id": "a b"}),
        ("GET", "/things/a%2Fb", "GET /things/{id}", {"id": "a/b"}),
        ("GET", "/things/7/parts/8", "GET /things/{id}/parts/{part}", {"id": "7", "part": "8"}),
        ("GET", "/things/7/8/9", "GET /things/{proxy+}", {"proxy": "7/8/9"}),
    ],
)
def test_the_most_exact_route_is_taken(file: Path, method, path, key, parameters):
    found = read_template(file).route(method, path)
    assert found is not None
    route, found_parameters = found
    assert (route.key, found_parameters) == (key, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/things/all"), ("GET", "/thing"), ("GET", "/things/"), ("GET", "*")],
)
def test_what_no_route_is_for_has_none(file: Path, method: str, path: str):
    assert read_template(file).route(method, path) is None


def test_a_route_has_the_timeout_of_its_integration(file: Path):
    timeouts = {route.key: route.timeout for route in read_template(file).routes}
    assert timeouts["GET /things/all"] == 2
    assert timeouts["GET /things/{id}"] == 30


def test_a_route_to_nowhere_is_told(file: Path):
    file.write_text(TEMPLATE.replace("${FirstFunction.Arn}", "${GoneFunction.Arn}"))
    with pytest.raises(LocalError, match="GET /things/all leads to no function"):
        read_template(file)


def test_another_payload_format_is_told(file: Path):
    file.write_text(TEMPLATE.replace('"2.0"', '"1.0"'))
    with pytest.raises(LocalError, match=r"is not of payload format 2\.0"):
        read_template(file)


def test_our_own_template_is_read(repository: Path):
    template: Template = read_template(repository / "template.yaml")
    assert Route("POST", "/api/execute", "ExecuteFunction", 30) in template.routes
    for function in template.functions.values():
        assert (function.code / "app.py").is_file()
        assert function.layers == (repository / "layers" / "control_plane",)


def test_schedules_are_those_of_the_functions(file: Path):
    assert read_template(file).schedules == (
        Schedule("Often", "SecondFunction", 60),
        Schedule("Seldom", "SecondFunction", 7200),
    )


def test_a_schedule_that_is_no_rate_is_named(file: Path):
    file.write_text(TEMPLATE.replace("rate(2 hours)", "cron(0 12)"))
    with pytest.raises(LocalError, match=r"the schedule cron\(0 12\) is no rate"):
        read_template(file)
