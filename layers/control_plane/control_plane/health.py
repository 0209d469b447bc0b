"""Whether starts can be recorded and the workers notified, in words without addresses."""

from __future__ import annotations

from typing import Literal, Protocol

from typing_extensions import TypedDict  # pydantic reads the standard one from 3.12 on only


class Health(TypedDict):
    """The body of ``GET /health``."""

    status: Literal["ok", "degraded"]
    database: str
    schema: str
    nats: str


class DatabaseProbe(Protocol):
    """Something that can say how the database is."""

    def probe(self) -> tuple[str, str]:
        """Return a word for the database and one for its schema, ``ok`` each when well."""
        ...


class NotifierProbe(Protocol):
    """Something that can say how the broker is."""

    def probe(self) -> str:
        """Return ``ok``, or a word for what is wrong."""
        ...


def check(database: DatabaseProbe, notifier: NotifierProbe) -> Health:
    """Ask both; never fails, and answers in the time that their own deadlines give."""
    words = (*database.probe(), notifier.probe())
    is_well = all(word == "ok" for word in words)
    return Health(
        status="ok" if is_well else "degraded", database=words[0], schema=words[1], nats=words[2]
    )
