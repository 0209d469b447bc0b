"""The use case: register many playbooks in one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from control_plane.catalog.registration import RegisterRequest, Registrar
from control_plane.errors import RequestError, StoreUnavailable
from control_plane.requests import read_model

MOST_ITEMS = 1000

SUCCESS = "success"
CLI_SUCCESS = "registered"
"""NoETL's command line (5.3.2) takes every other word for a failure, and shows it as one."""


class BatchRequest(BaseModel):
    """The body of ``POST /api/catalog/register/batch``; each item is as for one registration."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    items: list[Any] = Field(min_length=1, max_length=MOST_ITEMS)


class ItemAnswer(TypedDict):
    """What became of one item: its entry, or the error that its registration would have had."""

    index: int
    status: str
    path: str | None
    version: int | None
    catalog_id: str | None
    error: str | None


class BatchAnswer(TypedDict):
    """What became of all items; ``skipped`` were not tried, since the database had gone away."""

    results: list[ItemAnswer]
    registered: int
    failed: int
    skipped: int


@dataclass(frozen=True, slots=True)
class BatchRegistrar:
    """Registers one item after the other; what is wrong with one concerns no other."""

    registrar: Registrar

    def register(self, request: BatchRequest, *, for_cli: bool = False) -> BatchAnswer:
        """Register what can be registered.

        :param for_cli: whether NoETL's command line will read the answer
        :raises StoreUnavailable: nothing was registered
        """
        success = CLI_SUCCESS if for_cli else SUCCESS
        answer = BatchAnswer(results=[], registered=0, failed=0, skipped=0)
        lost: StoreUnavailable | None = None
        for index, item in enumerate(request.items):
            if lost is not None:
                answer["skipped"] += 1
                answer["results"].append(_refused(index, f"Not tried: {lost.message}"))
                continue
            try:
                answer["results"].append(self._register(index, item, success))
                answer["registered"] += 1
            except RequestError as error:
                answer["failed"] += 1
                answer["results"].append(_refused(index, error.message))
            except StoreUnavailable as error:
                if not answer["registered"]:
                    raise
                lost = error
                answer["failed"] += 1
                answer["results"].append(_refused(index, error.message))
        return answer

    def _register(self, index: int, item: Any, success: str) -> ItemAnswer:
        registered = self.registrar.register(read_model(RegisterRequest, item))
        return {
            "index": index,
            "status": success,
            "path": registered.path,
            "version": registered.version,
            "catalog_id": registered.catalog_id,
            "error": None,
        }


def _refused(index: int, error: str) -> ItemAnswer:
    return {
        "index": index,
        "status": "error",
        "path": None,
        "version": None,
        "catalog_id": None,
        "error": error,
    }
