"""Settings: the same variables in the models, the template and the README."""

from __future__ import annotations

import re

import pytest

from control_plane.certificates import AWS
from control_plane.limits import Limits
from control_plane.settings import Settings
from control_plane.settings.catalog import CatalogSettings
from control_plane.settings.execute import ExecuteSettings
from control_plane.settings.executions import ExecutionsSettings
from control_plane.settings.migrate import MigrateSettings
from control_plane.settings.pre_traffic import PreTrafficSettings
from control_plane.settings.relay import RelaySettings
from control_plane.settings.trigger import TriggerSettings
from tests.template.switches import SWITCHES

MODELS: dict[str, type[Settings]] = {
    "ExecuteFunction": ExecuteSettings,
    "TriggerFunction": TriggerSettings,
    "CatalogFunction": CatalogSettings,
    "ExecutionsFunction": ExecutionsSettings,
    "RelayFunction": RelaySettings,
    "MigrateFunction": MigrateSettings,
    "PreTrafficFunction": PreTrafficSettings,
}
WITH_DATABASE = sorted(set(MODELS) - {"PreTrafficFunction"})
LIMITS = {field.alias for field in Limits.model_fields.values()}


FROM_RESOURCES = {"DEAD_LETTER_QUEUE_URL", "NEW_VERSION"}
"""Variables that name what the stack makes: there they are never left out."""
STRICTER = {"DATABASE_AUTH", "APP_ROLE_USES_IAM"}
"""A deployment logs in by IAM unless it is told otherwise; what runs elsewhere has no IAM."""


def variables_of(model: type[Settings]) -> set[str]:
    return {name.upper() for name, field in model.model_fields.items() if name != "limits"}


def test_each_function_has_a_settings_model(resolve):
    assert set(resolve().of_type("AWS::Serverless::Function")) == set(MODELS)


@pytest.mark.parametrize("function", MODELS)
def test_a_function_is_given_exactly_what_its_settings_read(resolve, function):
    model = MODELS[function]
    declared = set(resolve().environment(function))
    optional = LIMITS if "limits" in model.model_fields else set()
    assert declared - optional == variables_of(model)


@pytest.mark.parametrize("function", MODELS)
@pytest.mark.parametrize("switch", SWITCHES)
def test_the_settings_take_what_the_template_gives(resolve, function, switch):
    environment = resolve(**SWITCHES[switch]).environment(function)
    settings = MODELS[function].from_environment(environment)
    assert getattr(settings, "database_url", "postgresql://").startswith("postgresql://")


@pytest.mark.parametrize("function", MODELS)
def test_the_template_s_defaults_are_those_of_the_settings(resolve, function):
    model = MODELS[function]
    environment = resolve().environment(function)
    required = {name.upper() for name, field in model.model_fields.items() if field.is_required()}
    given = required | STRICTER | FROM_RESOURCES
    bare = {name: environment[name] for name in given & set(environment)}
    assert model.from_environment(environment) == model.from_environment(bare)


@pytest.mark.parametrize("function", WITH_DATABASE)
def test_a_database_made_of_parts_is_trusted_by_the_authorities_in_the_layer(
    resolve, repository, function
):
    in_layer = f"/opt/python/{AWS.relative_to(repository / 'layers' / 'control_plane')}"
    url = resolve().environment(function)["DATABASE_URL"]
    assert f"?sslmode=verify-full&sslrootcert={in_layer}" in url


def test_the_readme_s_table_lists_every_variable(repository):
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (repository / "README.md").read_text(), re.MULTILINE)
    assert set(rows) == LIMITS.union(*map(variables_of, MODELS.values()))


@pytest.mark.parametrize("parameter", ["DatabaseUrl", "MigrationDatabaseUrl"])
def test_a_url_with_a_password_is_refused(template, parameter):
    pattern = re.compile(template["Parameters"][parameter]["AllowedPattern"])
    assert pattern.fullmatch("postgresql://app@db.example.com:5432/noetl?sslmode=require")
    assert pattern.fullmatch("postgres://db.example.com")
    assert not pattern.fullmatch("postgresql://app:secret@db.example.com/noetl")
    assert not pattern.fullmatch("postgresql://app@db.example.com/noetl?password=secret")


def test_a_nats_url_with_credentials_is_refused(template):
    pattern = re.compile(template["Parameters"]["NatsUrl"]["AllowedPattern"])
    assert pattern.fullmatch("nats://one:4222,nats://two:4222")
    assert not pattern.fullmatch("nats://user:secret@one:4222")
    assert not pattern.fullmatch("nats://token@one:4222")
