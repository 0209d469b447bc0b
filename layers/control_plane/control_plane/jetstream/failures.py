"""Why a notification failed: a few fixed words, without any address, subject or secret."""

from __future__ import annotations

import re
import socket
import ssl
from enum import StrEnum
from typing import Final

import nats.errors
from nats.js.errors import APIError, NoStreamResponseError

from control_plane.errors import NotificationFailed


class Reason(StrEnum):
    """Every reason there is; a refusal by JetStream and a defect add which one."""

    NOT_CONFIGURED = "NATS is not configured"
    LOGIN_UNKNOWN = "the login for NATS cannot be read"
    HOST_UNKNOWN = "cannot connect to NATS: unknown host"
    CONNECTION_REFUSED = "cannot connect to NATS: connection refused"
    NO_ANSWER = "cannot connect to NATS: no answer in time"
    CANNOT_CONNECT = "cannot connect to NATS"
    NOT_TRUSTED = "cannot connect to NATS: no trusted TLS"
    LOGIN_REFUSED = "NATS refuses the login"
    PERMISSION_DENIED = "NATS denies the permission"
    CONNECTION_LOST = "the connection to NATS was lost"
    NO_ACKNOWLEDGEMENT = "no acknowledgement in time"
    NO_JETSTREAM = "JetStream is not enabled"
    NO_STREAM = "no stream takes the subject"
    STREAM_NOT_MADE = "no stream takes the subject and none can be made"
    MESSAGE_REFUSED = "the stream refuses the message"
    TOO_LARGE = "the message is too large for NATS"
    DEFECT = "the notifier failed"


class ConnectionFailed(Exception):
    """A connection is of no use; another one may be."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


class PermissionDenied(NotificationFailed):
    """The login may not publish there.

    :ivar subject: in lower case, empty where the server does not tell; is in no message
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        super().__init__(Reason.PERMISSION_DENIED)


# Another description may quote a path or an address, so only these are repeated.
_HARMLESS: Final = frozenset(
    {
        "insufficient resources",
        "maximum bytes exceeded",
        "maximum messages exceeded",
        "maximum messages per subject exceeded",
        "message size exceeds maximum allowed",
        "no suitable peers for placement",
        "resource limits exceeded for account",
    }
)


def refusal(reason: Reason, error: APIError) -> NotificationFailed:
    """Say that JetStream answered no, and why."""
    description = (error.description or "").lower()
    why = description if description in _HARMLESS else f"JetStream error {error.err_code}"
    return NotificationFailed(f"{reason}: {why}")


_CONNECTING: Final = (
    (ssl.SSLError, Reason.NOT_TRUSTED),
    (nats.errors.SecureConnWantedError, Reason.NOT_TRUSTED),
    (socket.gaierror, Reason.HOST_UNKNOWN),
    (ConnectionRefusedError, Reason.CONNECTION_REFUSED),
    (TimeoutError, Reason.NO_ANSWER),
)
_ANSWERS: Final = (
    (NoStreamResponseError, Reason.NO_STREAM),
    (nats.errors.NoRespondersError, Reason.NO_JETSTREAM),
    (nats.errors.MaxPayloadError, Reason.TOO_LARGE),
)


def while_connecting(error: BaseException) -> ConnectionFailed:
    """Name what kept a connection from coming to be."""
    text = str(error).lower()
    if "authorization" in text or "authentication" in text:
        return ConnectionFailed(Reason.LOGIN_REFUSED)
    for kind, reason in _CONNECTING:
        if isinstance(error, kind):
            return ConnectionFailed(reason)
    return ConnectionFailed(Reason.CANNOT_CONNECT)


def while_connected(error: BaseException) -> NotificationFailed | ConnectionFailed:
    """Name what kept a request from being answered: NATS says no, or the connection fails."""
    if isinstance(error, APIError):
        return refusal(Reason.MESSAGE_REFUSED, error)
    text = str(error).lower()
    if "permissions violation" in text:
        told = re.search(r'publish to "([^"]+)"', text)
        return PermissionDenied(told[1] if told else "")
    for kind, reason in _ANSWERS:
        if isinstance(error, kind):
            return NotificationFailed(reason)
    if isinstance(error, TimeoutError):
        return ConnectionFailed(Reason.NO_ACKNOWLEDGEMENT)
    return ConnectionFailed(Reason.CONNECTION_LOST)
