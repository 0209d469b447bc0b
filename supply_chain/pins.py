"""The layer's packages as its lock file pins them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker

REPOSITORY = Path(__file__).parents[1]
LAYER = REPOSITORY / "layers" / "control_plane" / "requirements.txt"

_LAMBDA = {
    "sys_platform": "linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "python_version": "3.13",
    "python_full_version": "3.13.0",
}
_PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\\n(?P<rest>(?:[ #].*\n)*)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One package.

    :ivar hashes: SHA-256, in hexadecimal, of every file that the build takes for it
    :ivar wanted_by: the packages that depend on it
    :ivar is_direct: whether the project itself does
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]
    is_direct: bool


def read_pins(file: Path = LAYER) -> list[Pin]:
    """Read what a lock file of ``make lock`` installs on Lambda, in its order."""
    return [
        Pin(
            name=found["name"],
            version=found["version"],
            hashes=tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", found["rest"])),
            wanted_by=tuple(re.findall(r"# +(?:via )?([\w.-]+)$", found["rest"], re.MULTILINE)),
            is_direct="(pyproject.toml)" in found["rest"],
        )
        for found in _PIN.finditer(file.read_text(encoding="utf-8"))
        if not found["marker"] or Marker(found["marker"]).evaluate(_LAMBDA)
    ]
