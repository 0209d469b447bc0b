"""Files with something secret in them."""

from __future__ import annotations

import secrets
from pathlib import Path


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read; whoever looks finds all of it or nothing."""
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(file)


def kept_password(file: Path) -> str:
    """Return the password that the file holds; make one at the first time."""
    if not file.exists():
        write_private(file, secrets.token_hex(16))
    return file.read_text(encoding="utf-8").strip()
