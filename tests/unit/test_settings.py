from __future__ import annotations

import pytest

from control_plane.errors import ConfigurationError
from control_plane.settings.catalog import CatalogSettings
from control_plane.settings.execute import ExecuteSettings
from control_plane.settings.migrate import MigrateSettings

COMPLETE = {"DATABASE_URL": "postgresql://app@db/noetl", "PUBLIC_SERVER_URL": "https://noetl"}


def test_what_is_not_set_has_the_defaults_of_the_contract():
    settings = ExecuteSettings.from_environment(COMPLETE)
    assert settings.nats_url is None
    assert settings.nats_stream == "noetl_commands"
    assert settings.allowed_execution_pools == {"shared"}
    assert settings.idempotency_days == 14
    assert settings.limits.body_bytes == 1024 * 1024
    assert settings.limits.nodes == 100_000


def test_every_setting_is_read_from_its_variable():
    settings = ExecuteSettings.from_environment(
        {
            **COMPLETE,
            "ALLOWED_EXECUTION_POOLS": "shared, gpu",
            "MAX_DEPTH": "10",
            "NATS_MANAGE_STREAM": "true",
        }
    )
    assert settings.allowed_execution_pools == {"shared", "gpu"}
    assert settings.limits.depth == 10
    assert settings.nats_manage_stream is True


def test_an_empty_variable_counts_as_absent():
    assert ExecuteSettings.from_environment({**COMPLETE, "NATS_URL": ""}).nats_url is None


@pytest.mark.parametrize("settings", [ExecuteSettings, CatalogSettings, MigrateSettings])
def test_a_missing_variable_is_named(settings):
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        settings.from_environment({})


def test_a_malformed_variable_is_named_without_its_value():
    with pytest.raises(ConfigurationError) as caught:
        ExecuteSettings.from_environment({**COMPLETE, "MAX_DEPTH": "s3cr3t"})
    assert "MAX_DEPTH" in caught.value.message
    assert "s3cr3t" not in caught.value.message
