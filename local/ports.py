"""Which ports are free, and who has those that are not."""

from __future__ import annotations

import socket

import psutil  # type: ignore[import-untyped]

from local.errors import LocalError, PortTaken


def choose_port(hosts: tuple[str, ...], wanted: int | None, name: str) -> int:
    """Return the wanted port if it is free on every host, else any free one.

    :raises PortTaken: the wanted one is not free
    """
    for _ in range(20):
        port = wanted or 0
        try:
            for host in hosts:
                port = _bound_port(host, port)
        except OSError as error:
            if wanted:
                raise PortTaken(host, wanted, name, _listener(wanted)) from error
            continue
        return port
    raise LocalError(f"{name}: no port is free on {' and '.join(hosts)}")


def _bound_port(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of a former server that linger must not make its port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def _listener(port: int) -> str:
    """Name the process that listens on the port, as far as we may see it."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                name = psutil.Process(connection.pid).name() if connection.pid else None
                return f"{name}, process {connection.pid}," if name else "a program of another user"
    except psutil.Error:
        pass
    return "another program"
