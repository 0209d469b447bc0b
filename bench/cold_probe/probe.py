"""A handler around the function's: imports it with a watch, and tells how long its parts took."""

from __future__ import annotations

import importlib
import os
import time
from typing import Any

_begin, _spent = time.perf_counter(), time.process_time()
_module = importlib.import_module(os.environ["PROBED"])
INIT = {
    "init": (time.perf_counter() - _begin) * 1000,
    "init_cpu": (time.process_time() - _spent) * 1000,
}


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Serve the event as the function would; answer with the times in milliseconds."""
    begin = time.perf_counter()
    answer = _module.lambda_handler(event, context)
    return {**INIT, "request": (time.perf_counter() - begin) * 1000, "answer": answer}
