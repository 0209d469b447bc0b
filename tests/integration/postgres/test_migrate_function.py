"""``functions/migrate``, invoked by hand and by a stack."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from control_plane.errors import ConfigurationError
from control_plane.postgres.sql import migrations, needed_version
from tests.fixtures_postgres import APP_ROLE
from tests.http_server import answers_of_custom_resources

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics:UserWarning")
NAMES = [name for name, _ in migrations().values()]
CONTEXT = SimpleNamespace(
    function_name="migrate",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:migrate",
    aws_request_id="request-1",
    get_remaining_time_in_millis=lambda: 600_000,
)


@pytest.fixture
def app(repository: Path) -> ModuleType:
    file = repository / "functions" / "migrate" / "app.py"
    spec = importlib.util.spec_from_file_location("migrate_app", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def empty_database(new_database, monkeypatch: pytest.MonkeyPatch) -> str:
    url = new_database()
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("APP_ROLE", APP_ROLE)
    return url


@pytest.fixture
def bucket() -> Iterator[SimpleNamespace]:
    """A place for answers, as CloudFormation signs a URL of."""
    with answers_of_custom_resources() as (url, answers):
        yield SimpleNamespace(url=url, answers=answers)


def stack_event(repository: Path, bucket: SimpleNamespace, **changes: str) -> dict[str, str]:
    event = json.loads((repository / "events" / "migrate_stack_create.json").read_text())
    return event | {"ResponseURL": bucket.url} | changes


def test_an_invocation_by_hand_tells_what_it_did(app: ModuleType, empty_database: str):
    assert app.lambda_handler({}, CONTEXT) == {"applied": NAMES, "version": needed_version()}
    assert app.lambda_handler({}, CONTEXT) == {"applied": [], "version": needed_version()}


def test_a_stack_that_is_made_migrates(app, empty_database: str, repository: Path, bucket):
    app.lambda_handler(stack_event(repository, bucket), CONTEXT)
    ((content_type, answer),) = bucket.answers
    assert content_type == ""
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "Migration")
    assert answer["Data"] == {"applied": NAMES, "version": needed_version()}


def test_a_stack_that_is_deleted_keeps_its_data(app, empty_database: str, repository, bucket):
    app.lambda_handler({}, CONTEXT)
    event = stack_event(repository, bucket, RequestType="Delete", PhysicalResourceId="Migration")
    app.lambda_handler(event, CONTEXT)
    assert [answer["Status"] for _, answer in bucket.answers] == ["SUCCESS"]
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT max(version) FROM noetl_serverless.schema_version")
        assert found.fetchone() == (needed_version(),)


def test_a_stack_is_told_why_it_failed_and_no_secret(
    app, empty_database: str, repository: Path, bucket, monkeypatch: pytest.MonkeyPatch
):
    password = str(conninfo_to_dict(empty_database)["password"])
    monkeypatch.setenv("DATABASE_URL", empty_database.replace("dbname=", "dbname=not_"))
    app.lambda_handler(stack_event(repository, bucket), CONTEXT)
    ((_, answer),) = bucket.answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "The database does not exist; try again"
    assert password not in json.dumps(answer)


def test_a_stack_is_told_which_setting_is_missing(
    app, repository: Path, bucket, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    app.lambda_handler(stack_event(repository, bucket), CONTEXT)
    ((_, answer),) = bucket.answers
    assert "DATABASE_URL" in answer["Reason"]
    with pytest.raises(ConfigurationError):
        app.lambda_handler({}, CONTEXT)
