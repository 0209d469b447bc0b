"""``python -m local serve | demo | invoke | send | follow``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

# The layer, which is on the path of the functions; the stack itself needs its migrations.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "control_plane"))

from control_plane.errors import ControlPlaneError
from local.child import end_with_parent
from local.demo import demo
from local.errors import LocalError, PortTaken
from local.follow import follow
from local.invoke import invoke
from local.send import send
from local.stack import FOLDER, FolderInUse, Ports, Stack


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status."""
    options = _parser().parse_args(arguments)
    if options.with_parent:
        end_with_parent(signal.SIGTERM)
    try:
        if options.command == "serve":
            return _run(_serve(options))
        if options.command == "demo":
            return _run(demo(options.folder, _ports(options)))
        if options.command == "follow":
            return _run(follow(options.execution_id, options.url, options.folder))
        if options.command == "send":
            return send(options.event, options.folder)
        return invoke(options.function, options.event, options.folder)
    except FolderInUse as error:
        print(f"{error}\nStop that one first, or give another --folder.", file=sys.stderr)
    except PortTaken as error:
        print(f"{error}\nStop that one first, or give --free-ports.", file=sys.stderr)
    except (LocalError, ControlPlaneError, PermissionError) as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        # Whoever read our output went away; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The embedded stack.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--folder", type=Path, default=FOLDER, help="where its data is (.local)")
    common.add_argument(
        "--with-parent", action="store_true", help="end with the program that started this one"
    )
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", parents=[common], help="run the stack until Ctrl-C")
    serve.add_argument("--port", type=int, help="of the HTTP API (8082)")
    serve.add_argument(
        "--sandboxes", type=int, default=8, help="the most of each function (8)", metavar="N"
    )
    show = commands.add_parser("demo", parents=[common], help="show one start from end to end")
    for command in (serve, show):
        command.add_argument("--free-ports", action="store_true", help="not the usual ones")
    call = commands.add_parser("invoke", parents=[common], help="invoke a function of the stack")
    call.add_argument("function", help="its name in template.yaml")
    put = commands.add_parser(
        "send", parents=[common], help="send messages to the trigger function, as its queue does"
    )
    for command in (call, put):
        command.add_argument(
            "-e", "--event", type=Path, help="a JSON file; - or nothing is standard input"
        )
    events = commands.add_parser("follow", parents=[common], help="follow an execution's events")
    events.add_argument("execution_id", metavar="ID")
    events.add_argument("--url", help="of another API than that of the stack")
    return parser


def _run(command: Coroutine[object, object, int]) -> int:
    """Run until the end, or until a signal asks for it, at which everything is stopped in order."""

    async def with_signals() -> int:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)  # type: ignore[union-attr]
        return await command

    try:
        return asyncio.run(with_signals())
    except asyncio.CancelledError:
        print("\nStopped.", flush=True)
        return 0


async def _serve(options: argparse.Namespace) -> int:
    ports = _ports(options)
    if options.port:
        ports = Ports(options.port, ports.postgres, ports.nats)
    stack = Stack(options.folder, ports, sandboxes=options.sandboxes, report=_log)
    async with stack:
        print(
            f"\nnoetl-serverless runs; Ctrl-C stops it (process {os.getpid()}).\n\n"
            f"  API        {stack.api_url}\n"
            f"  Postgres   {_without_login(stack.database_url)}\n"
            f"  NATS       {_without_login(stack.nats_url)}\n"
            f"  logins     {_shown(stack.env_file)}\n"
            f"  logs       {_shown(stack.log_file)}, and one line per request here\n",
            flush=True,
        )
        await asyncio.Event().wait()
    return 0


def _ports(options: argparse.Namespace) -> Ports:
    return Ports.free() if options.free_ports else Ports()


def _log(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def _without_login(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _shown(path: Path) -> Path:
    with contextlib.suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path


if __name__ == "__main__":
    sys.exit(main())
