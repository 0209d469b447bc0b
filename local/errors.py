"""What can be in the way of the embedded stack."""

from __future__ import annotations


class LocalError(Exception):
    """Something is in the way; the message says what, for a person to read."""


class PortTaken(LocalError):
    """Another program listens where a part of the stack should."""

    def __init__(self, host: str, port: int, wanted_by: str, listener: str) -> None:
        self.host = host
        self.port = port
        super().__init__(f"{wanted_by} wants {host}:{port}, but {listener} listens there")
