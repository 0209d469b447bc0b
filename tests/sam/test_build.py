"""What `sam build` puts into the layer, from this machine's Python and without Docker."""

from __future__ import annotations

import json
import struct
import subprocess

import pytest

from tests.sam.conftest import ARCHITECTURE

pytestmark = [pytest.mark.sam, pytest.mark.timeout(600)]

MACHINES = {"x86_64": 62, "arm64": 183}
"""ELF's number of each architecture."""
BYTECODE_OF_313 = (3571).to_bytes(2, "little") + b"\r\n"
UNCHECKED_HASH = 0b01
COMPILED = ("psycopg_binary", "pydantic_core", "minijinja", "yaml")
ARCHITECTURES = pytest.mark.parametrize("architecture", MACHINES)


@ARCHITECTURES
def test_compiled_code_is_of_the_architecture_that_was_asked_for(build, architecture):
    layer = build(architecture).layer
    libraries = [path for path in layer.rglob("*.so*") if path.is_file()]
    for path in libraries:
        header = path.read_bytes()[:20]
        assert header[:4] == b"\x7fELF", path
        assert struct.unpack_from("<H", header, 18) == (MACHINES[architecture],), path
    assert {path.relative_to(layer).parts[0] for path in libraries}.issuperset(COMPILED)


@ARCHITECTURES
def test_the_layer_holds_the_code_of_this_commit_and_all_that_it_reads(
    build, repository, architecture
):
    source = repository / "layers" / "control_plane"
    built = build(architecture).layer
    for path in (source / "control_plane").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = built / path.relative_to(source)
            assert copy.read_bytes() == path.read_bytes()


@ARCHITECTURES
def test_the_layer_holds_the_pinned_packages_and_no_other(build, repository, architecture):
    pins = (repository / "layers" / "control_plane" / "requirements.txt").read_text()
    wanted = {
        line.split(" ")[0].replace("-", "_")
        for line in pins.splitlines()
        if line[:1].isalpha() and "win32" not in line
    }
    found = {
        path.name.removesuffix(".dist-info").replace("-", "==")
        for path in build(architecture).layer.glob("*.dist-info")
    }
    assert found == wanted


@ARCHITECTURES
def test_the_layer_is_without_tests_and_stubs(build, architecture):
    layer = build(architecture).layer
    assert not [*layer.rglob("tests"), *layer.rglob("*.pyi"), *layer.glob("bin")]


@ARCHITECTURES
def test_there_is_bytecode_that_is_never_checked_or_word_that_there_is_none(build, architecture):
    built = build(architecture)
    bytecode = list(built.layer.rglob("*.pyc"))
    assert ("no bytecode" in built.log) == (not bytecode)
    for path in bytecode:
        magic, flags = path.read_bytes()[:4], path.read_bytes()[4:8]
        assert magic == BYTECODE_OF_313
        assert int.from_bytes(flags, "little") == UNCHECKED_HASH


@ARCHITECTURES
def test_the_layer_is_small_bytecode_included(build, architecture):
    files = [path for path in build(architecture).layer.rglob("*") if path.is_file()]
    bytecode = sum(path.stat().st_size for path in files if path.suffix == ".pyc")
    size = sum(path.stat().st_size for path in files)
    assert size < (40_000_000 if bytecode else 33_000_000)


@ARCHITECTURES
def test_each_package_comes_with_its_licence(build, architecture):
    for metadata in build(architecture).layer.glob("*.dist-info"):
        names = {path.name.upper().partition(".")[0] for path in metadata.rglob("*")}
        assert "METADATA" in names
        assert names & {"LICENSE", "LICENCE", "COPYING", "LICENSE_MIT"}, metadata.name


def test_whatever_the_functions_import_is_in_the_layer(build, repository, image):
    built = build(ARCHITECTURE)
    every_import = repository / "tests" / "guard" / "every_import.py"
    volumes = {built.layer: "/opt/python", repository / "functions": "/source/functions"}

    done = subprocess.run(
        [
            *("docker", "run", "--rm", "--network", "none", "--entrypoint", "python3"),
            *("--env", "PYTHONPATH=/opt/python:/source:/var/runtime"),
            *(f"--volume={path}:{place}:ro" for path, place in volumes.items()),
            *(f"--volume={every_import}:/source/every_import.py:ro", image),
            *("/source/every_import.py", "/opt/python/control_plane", "/source/functions"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert {"boto3", "control_plane.relay.relay", "nkeys"} <= set(json.loads(done.stdout))
