"""The API: the same routes in template and code, each with its permission and its authorizer."""

from __future__ import annotations

import json
import re

import pytest

from local.template import read_template

SCOPES = {
    "POST /api/execute": "noetl/start",
    "POST /api/execute/batch": "noetl/start",
    "POST /api/catalog/register": "noetl/register",
    "POST /api/catalog/register/batch": "noetl/register",
    "POST /api/catalog/list": "noetl/read",
    "POST /api/catalog/resource": "noetl/read",
    "GET /api/executions": "noetl/read",
    "GET /api/executions/{execution_id}": "noetl/read",
    "GET /api/executions/{execution_id}/events": "noetl/read",
    "GET /api/executions/{execution_id}/status": "noetl/read",
    "POST /api/executions/{execution_id}/cancel": "noetl/start",
    "POST /api/executions/{execution_id}/rerun": "noetl/start",
    "GET /health": "noetl/read",
    "GET /api/health": "noetl/read",
}
"""Every route, and the scope that a token needs for it."""


@pytest.fixture(scope="module")
def routes(template_file):
    return {route.key: route.function for route in read_template(template_file).routes}


def security_by_route(resolve, **parameters):
    body = resolve(**parameters).of_type("AWS::Serverless::HttpApi")["HttpApi"]["DefinitionBody"]
    return {
        f"{method.upper()} {path}": operation["security"]
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    }


def test_the_template_has_the_routes_of_the_code(repository, routes):
    # docs/openapi.json is made from the code, which a test of its own sees to.
    paths = json.loads((repository / "docs" / "openapi.json").read_text())["paths"]
    in_code = {f"{method.upper()} {path}" for path in paths for method in paths[path]}
    assert set(routes) == in_code


def test_each_route_may_invoke_its_function_and_nothing_else_may(resolve, routes):
    permissions = resolve().of_type("AWS::Lambda::Permission").values()
    allowed = {}
    for permission in permissions:
        method, path = re.search(r":HttpApi/\*/(\w+)(/.*)$", permission["SourceArn"]).groups()
        allowed[f"{method} {path}"] = permission["FunctionName"].removesuffix(".Alias")
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert permission["Action"] == "lambda:InvokeFunction"
    assert allowed == routes
    assert len(permissions) == len(routes)


def test_by_default_every_route_needs_a_signature_of_aws(resolve):
    security = security_by_route(resolve)
    assert security == {route: [{"iam": []}] for route in SCOPES}


def test_with_jwt_every_route_needs_a_token_of_its_scope(resolve):
    security = security_by_route(resolve, AuthorizerType="JWT")
    assert security == {route: [{"jwt": [scope]}] for route, scope in SCOPES.items()}


def test_without_authorizer_every_route_is_open(resolve):
    security = security_by_route(resolve, AuthorizerType="NONE", AllowPublicApi="yes")
    assert security == {route: [] for route in SCOPES}


def test_each_authorizer_that_a_route_names_is_defined(resolve):
    for kind in ("IAM", "JWT", "NONE"):
        api = resolve(AuthorizerType=kind).of_type("AWS::Serverless::HttpApi")["HttpApi"]
        defined = set(api["DefinitionBody"]["components"]["securitySchemes"])
        named = {
            name
            for security in security_by_route(resolve, AuthorizerType=kind).values()
            for requirement in security
            for name in requirement
        }
        assert named <= defined


def test_other_origins_may_not_call_from_a_browser(resolve):
    api = resolve().of_type("AWS::Serverless::HttpApi")["HttpApi"]
    assert "CorsConfiguration" not in api
    assert "x-amazon-apigateway-cors" not in api["DefinitionBody"]


def test_every_route_is_throttled(resolve):
    api = resolve(ThrottleRate="7", ThrottleBurst="9").of_type("AWS::Serverless::HttpApi")[
        "HttpApi"
    ]
    throttle = {"ThrottlingRateLimit": "7", "ThrottlingBurstLimit": "9"}
    assert api["DefaultRouteSettings"] == throttle
    assert "RouteSettings" not in api
