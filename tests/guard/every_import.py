"""Imports whatever the functions can come to import, late imports included, and prints a list.

    python every_import.py FOLDER…

The folders hold their source. What only Lambda's runtime brings may be missing: boto3, and hooks.
"""

from __future__ import annotations

import ast
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

OF_THE_RUNTIME = ("boto3", "botocore", "snapshot_restore_py")
OF_OTHERS = frozenset({"nkeys", "nacl.signing"})
"""What a package imports late for us: nats-py, to sign in with a seed."""


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that import statements and calls of `import_module` name."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(ast.Name("import_module"), [ast.Constant(str(name)), *_]):
                yield name


def main() -> None:
    """Import all of it."""
    files = [file for folder in sys.argv[1:] for file in Path(folder).rglob("*.py")]
    names = {name for file in files for name in imported_names(ast.parse(file.read_text()))}
    for name in sorted(names | OF_OTHERS):
        _import(name)
    print(json.dumps(sorted(sys.modules)))


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # `from module import name`, where the name is no module of its own.
        parent, _, last = name.rpartition(".")
        is_no_module = error.name == name and hasattr(sys.modules.get(parent), last)
        if not is_no_module and not (error.name or "").startswith(OF_THE_RUNTIME):
            raise


if __name__ == "__main__":
    main()
