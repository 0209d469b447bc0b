"""The handlers' log lines, sent through the same system call to nowhere."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keep what the handlers log, and their metrics, off the terminal."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        from control_plane.observability import SERVICE, logger  # noqa: PLC0415

        log = logging.getLogger(SERVICE)
        log.propagate, propagates = False, log.propagate  # pytest keeps all that it is told
        before = [getattr(handler, "stream", None) for handler in logger.handlers]
        for one in logger.handlers:
            one.stream = nowhere  # type: ignore[attr-defined]
        try:
            yield
        finally:
            log.propagate = propagates
            for one, stream in zip(logger.handlers, before, strict=True):
                one.stream = stream or sys.stdout  # type: ignore[attr-defined]
