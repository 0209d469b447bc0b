"""What the templates of a command see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control_plane.json_text import Json


def merged_workload(playbook_workload: Any, payload: Json) -> Json:
    """Return the playbook's workload overridden by the payload, key by key.

    :param playbook_workload: any JSON value; only an object gives defaults
    :param payload: an object; returned as it is, with its serialisation, when nothing is added
    """
    if not isinstance(playbook_workload, Mapping):
        return payload
    if playbook_workload.keys() <= payload.value.keys():
        return payload
    return Json({**playbook_workload, **payload.value})


def rendering_names(workload: Json, execution_id: int, catalog_id: int) -> dict[str, Any]:
    """Return the names that templates may use: the context, then ours. No value is copied.

    ``ctx`` is the workload, ``execution_id`` and ``catalog_id`` are strings, unless the workload
    has such a key.
    """
    value = workload.value
    ours = {"ctx": value, "execution_id": str(execution_id), "catalog_id": str(catalog_id)}
    return {**ours, **value, "workload": value}


def holds(names: dict[str, Any], path: tuple[str | int, ...]) -> bool:
    """Tell whether every key on the path exists, whatever its value is, null included."""
    value: Any = names
    for key in path:
        if isinstance(key, str):
            is_held = isinstance(value, dict) and key in value
        else:
            is_held = isinstance(value, list) and key < len(value)
        if not is_held:
            return False
        value = value[key]
    return True
