"""The files in which the SQL stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from control_plane import postgres
from control_plane.ports import StartIds
from control_plane.postgres.executions import _parameters
from control_plane.postgres.sql import migrations, needed_version, statement
from tests.contract.fake_store import a_start

FOLDER = Path(postgres.__file__).parent
QUERIES = sorted(FOLDER.glob("queries/*.sql"))
TABLES = "start_request|outbox|schema_version|resource|catalog|event|command"


def test_migrations_are_numbered_without_a_gap():
    assert list(migrations()) == list(range(1, needed_version() + 1))


def test_a_name_of_a_migration_is_its_file():
    for name, text in migrations().values():
        assert (FOLDER / "migrations" / f"{name}.sql").read_bytes() == text


@pytest.mark.parametrize("file", [*QUERIES, *FOLDER.glob("migrations/*.sql")], ids=lambda f: f.stem)
def test_each_file_begins_with_what_it_does(file: Path):
    assert re.match(r"-- \w.*", file.read_text())


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_a_statement_is_sent_without_its_comment(file: Path):
    sent = statement(file.stem).decode()
    assert sent
    assert "--" not in sent


@pytest.mark.parametrize("file", [*QUERIES, *FOLDER.glob("migrations/*.sql")], ids=lambda f: f.stem)
def test_tables_stand_with_their_schema(file: Path):
    code = re.sub(r"--.*|'[^']*'", "", file.read_text())
    bare = rf"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|REFERENCES|USING) +(?:{TABLES})\b"
    assert not re.findall(bare, code)


def test_a_start_gives_record_start_all_that_it_names():
    start = a_start(StartIds(1, 2, 3, 4), catalog_id=5)
    named = set(re.findall(r"%\((\w+)\)s", statement("record_start").decode()))
    assert named == set(_parameters(start)) | {"hold_days", "acknowledged"}
