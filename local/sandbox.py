"""A sandbox as Lambda has them: this process loads one handler and serves one request at a time.

``python -P sandbox.py DESCRIPTOR``, where the descriptor is one end of a socket pair. Messages on
it are JSON with its length (four bytes, big-endian) in front:

- from here, once: ``{"ready": true}``, or ``{"error": …}`` when the handler does not load;
- to here, per request: ``{"event", "request_id", "arn", "deadline_ms", "trace_id"}``;
- from here, per request: ``{"result": …}`` or ``{"error": {errorType, errorMessage, …}}``.

It runs in the environment of the function, where this project is not on the path; so it needs
nothing but the standard library.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from io import BufferedRWPair
from types import TracebackType
from typing import Any

LENGTH = struct.Struct(">I")
"""What stands in front of a message."""

Handler = Callable[[Any, "Context"], Any]


class Context:
    """What a handler gets beside its event: the attributes that Lambda's Python runtime has."""

    identity = None
    client_context = None
    tenant_id = None

    def __init__(self, request_id: str, arn: str, deadline_ms: int) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it is until this sandbox is killed, in milliseconds."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        """Write to the log."""
        sys.stdout.write(str(message))


def main(descriptor: int) -> None:
    """Load the handler, then serve until the other end hangs up."""
    os.set_inheritable(descriptor, False)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        try:
            handler = load_handler(os.environ["_HANDLER"])
        except Exception as error:
            traceback.print_exc()
            _send(stream, _encode({"error": _describe(error, "", _init_error_type(error))}))
            sys.exit(1)
        _send(stream, _encode({"ready": True}))
        while (request := _receive(stream)) is not None:
            _send(stream, _answer(handler, request))


def load_handler(name: str) -> Handler:
    """Import ``module.function``."""
    module, _, function = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module.replace("/", ".")), function)
    return handler


def _answer(handler: Handler, request: dict[str, Any]) -> bytes:
    request_id = request["request_id"]
    os.environ["_X_AMZN_TRACE_ID"] = request["trace_id"]
    context = Context(request_id, request["arn"], request["deadline_ms"])
    try:
        result = handler(request["event"], context)
    except Exception as error:
        traceback.print_exc()
        return _encode({"error": _describe(error, request_id)})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    try:
        return _encode({"result": result})
    except (TypeError, ValueError, RecursionError) as error:
        message = f"Unable to marshal response: {error}"
        return _encode({"error": _error(message, "Runtime.MarshalError", request_id, [])})


def _init_error_type(error: Exception) -> str:
    match error:
        case ImportError():
            return "Runtime.ImportModuleError"
        case SyntaxError():
            return "Runtime.UserCodeSyntaxError"
        case AttributeError():
            return "Runtime.HandlerNotFound"
    return type(error).__name__


def _describe(error: Exception, request_id: str, error_type: str | None = None) -> dict[str, Any]:
    trace = _without_this_file(error.__traceback__)
    return _error(str(error), error_type or type(error).__name__, request_id, trace)


def _without_this_file(trace: TracebackType | None) -> list[str]:
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename != __file__]
    return traceback.format_list(frames)


def _error(message: str, error_type: str, request_id: str, trace: list[str]) -> dict[str, Any]:
    return {
        "errorMessage": message,
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def _send(stream: BufferedRWPair, message: bytes) -> None:
    stream.write(LENGTH.pack(len(message)) + message)
    stream.flush()


def _receive(stream: BufferedRWPair) -> dict[str, Any] | None:
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    request: dict[str, Any] = json.loads(stream.read(LENGTH.unpack(head)[0]))
    return request


if __name__ == "__main__":
    main(int(sys.argv[1]))
