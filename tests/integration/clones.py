"""Clones of one sandbox: ``python clones.py NUMBER {closed|open}``, the handler on the path.

A process loads the execute function, serves once, and is forked so often. What a snapshot would
give to every clone alike, the state of `random` included, each of them has alike; the runtime's
hooks run as they do around a snapshot. Then all start an execution at the same moment. Standard
output has their log and metrics, standard error what each of them did.
"""

from __future__ import annotations

import json
import os
import random
import sys
from typing import Any

import app  # functions/execute
import psutil
from awslambdaric.lambda_runtime_hooks_runner import run_after_restore, run_before_snapshot


class Context:
    function_name = "ExecuteFunction"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:ExecuteFunction"

    def __init__(self, number: int) -> None:
        self.aws_request_id = f"request-{number}"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def serve(number: int) -> dict[str, Any]:
    event = json.loads(os.environ["EVENT"])
    event["headers"]["traceparent"] = f"00-{number + 1:032x}-00000000000000ff-01"
    event["requestContext"]["requestId"] = f"request-{number}"
    answer = app.lambda_handler(event, Context(number))
    if answer["statusCode"] != 200:
        raise RuntimeError(answer["body"])
    client = app.notifier._connection.client
    return {
        "execution_id": int(json.loads(answer["body"])["execution_id"]),
        "trace_id": f"{number + 1:032x}",
        "request_id": f"request-{number}",
        "backend": app.database._connection.info.backend_pid,
        "client": client.client_id,
        "inbox": client._resp_sub_prefix.decode(),
        "replayed": "Idempotent-Replayed" in answer["headers"],
    }


def tell(what: dict[str, Any]) -> None:
    os.write(2, f"{json.dumps(what)}\n".encode())  # at once, so that lines do not mix


def be_clone(number: int, state: Any, start: int) -> None:
    """Never returns."""
    try:
        random.setstate(state)
        run_after_restore()
        sockets = len(psutil.Process().net_connections("inet"))
        os.read(start, 1)  # until the original hangs up
        tell({**serve(number), "sockets": sockets})
    except BaseException as error:
        tell({"failed": repr(error)})
    os._exit(0)


def main(number: int, connections: str) -> None:
    tell(serve(0))
    if connections == "closed":
        run_before_snapshot()
    state, (start, go) = random.getstate(), os.pipe()
    for one in range(1, number + 1):
        if os.fork() == 0:
            os.close(go)
            be_clone(one, state, start)
    os.close(go)
    for _ in range(number):
        os.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
