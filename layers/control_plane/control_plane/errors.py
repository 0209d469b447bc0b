"""Every error that this project raises on purpose.

::

    ControlPlaneError
    ├── RequestError                    the caller can mend it; nothing was recorded
    │   ├── MalformedRequest            the body is not JSON, or not UTF-8
    │   ├── InvalidRequest              JSON of the wrong shape
    │   │   └── UnstorableValue         a value that Postgres cannot hold
    │   ├── IdempotencyKeyReused        the key belongs to another request
    │   ├── LimitExceeded               something is larger than its limit
    │   ├── NotFound
    │   │   ├── CatalogEntryNotFound
    │   │   ├── PlaybookNotFound
    │   │   ├── PlaybookContentMissing
    │   │   └── ExecutionNotFound
    │   ├── PlaybookSyntaxError         the YAML does not parse
    │   ├── InvalidPlaybook             the YAML parses, a rule of the language is broken
    │   ├── TemplateError               a template does not render
    │   ├── ExecutionEnded              what has completed or failed cannot be cancelled
    │   └── CatalogVersionsExhausted    a path has reached the highest version
    ├── StoreUnavailable                the database cannot answer now; may be asked again
    │   └── SchemaNotReady              the migrations have not run, or not far enough
    ├── NotificationFailed              the start stands, the workers do not know of it yet
    │   └── BrokerUnavailable           no message is to blame: NATS cannot be reached
    ├── ConfigurationError              a setting is missing or malformed; fails at start-up
    └── InternalError                   a defect of ours; the log has the details

A class's docstring is its default message. A direct invocation sees the class's name as
``errorType``, so these names are part of the interface; the HTTP statuses stand in
:mod:`control_plane.api`.
"""

from __future__ import annotations

from typing import NamedTuple

LONGEST_SHOWN = 1024
"""Characters of a path that an error repeats; no playbook can be registered under a longer one."""


class Fault(NamedTuple):
    """One thing that is wrong: where it is (``payload.items[3]``) and what is wrong with it.

    Neither part ever repeats a value of the caller's.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ControlPlaneError(Exception):
    """The control plane failed."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(self.message)


class RequestError(ControlPlaneError):
    """The request cannot be served as it is."""


class MalformedRequest(RequestError):
    """The request body is not JSON."""


class InvalidRequest(RequestError):
    """The request has the wrong shape."""

    def __init__(self, message: str | None = None, faults: tuple[Fault, ...] = ()) -> None:
        self.faults = faults
        super().__init__(message or "; ".join(map(str, faults)) or None)


class UnstorableValue(InvalidRequest):
    """The request holds a value that cannot be stored."""


class IdempotencyKeyReused(RequestError):
    """The idempotency key was used before with a different request."""


class LimitExceeded(RequestError):
    """Something is larger than its limit."""

    def __init__(self, what: str, limit: int, size: int | None = None) -> None:
        self.limit = limit
        self.size = size
        found = "more" if size is None else str(size)
        super().__init__(f"{what}: the limit is {limit}, found {found}")


class NotFound(RequestError):
    """There is no such thing."""


class CatalogEntryNotFound(NotFound):
    """Catalog entry not found."""

    def __init__(self, catalog_id: int) -> None:
        super().__init__(f"Catalog entry not found: {catalog_id}")


class PlaybookNotFound(NotFound):
    """Playbook not found."""

    def __init__(self, path: str) -> None:
        # An answer holds it twice, a character in up to six, and Lambda takes no more than 6 MB.
        shown = path if len(path) <= LONGEST_SHOWN else path[:LONGEST_SHOWN] + "…"
        super().__init__(f"Playbook not found: {shown}")


class PlaybookContentMissing(NotFound):
    """The catalog entry holds no playbook."""

    def __init__(self, catalog_id: int) -> None:
        super().__init__(f"No playbook content found for catalog_id: {catalog_id}")


class ExecutionNotFound(NotFound):
    """Execution not found."""

    def __init__(self, execution_id: int) -> None:
        super().__init__(f"Execution not found: {execution_id}")


class PlaybookSyntaxError(RequestError):
    """The playbook is not YAML."""

    def __init__(self, what: str, line: int, column: int) -> None:
        self.line = line
        self.column = column
        super().__init__(f"Playbook is not valid YAML: {what} (line {line}, column {column})")


class InvalidPlaybook(RequestError):
    """The playbook breaks a rule of the language."""

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        self.faults = faults
        super().__init__(message)


class TemplateError(RequestError):
    """A template does not render."""

    def __init__(self, step: str, field: str, reason: str) -> None:
        self.step = step
        self.field = field
        super().__init__(f"Template error in step '{step}', field '{field}': {reason}")


class ExecutionEnded(RequestError):
    """The execution has ended."""

    def __init__(self, execution_id: int, status: str) -> None:
        super().__init__(f"Execution {execution_id} is {status} and cannot be cancelled")


class CatalogVersionsExhausted(RequestError):
    """The catalog path has no version left."""


class StoreUnavailable(ControlPlaneError):
    """The database cannot answer now; try again."""


class SchemaNotReady(StoreUnavailable):
    """The database schema is missing or too old; run the migrate function."""


class NotificationFailed(ControlPlaneError):
    """The workers could not be notified."""


class BrokerUnavailable(NotificationFailed):
    """NATS cannot be reached."""


class ConfigurationError(ControlPlaneError):
    """The configuration is incomplete."""


class InternalError(ControlPlaneError):
    """Something went wrong inside."""

    def __init__(self, incident: str) -> None:
        super().__init__(f"Internal error; the log has the details under incident {incident}")
