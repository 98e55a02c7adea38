"""The HTTP servers of all services: how they listen, and that they end when they are told."""

import asyncio
import contextlib
import errno
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from shared.errors import SettingsError
from shared.runtime.tasks import cancel

BACKLOG = 512


def bind(address: str, port: int, setting: str) -> socket.socket:
    """A listening TCP socket. Raises SettingsError that names `setting` when the port is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol left at 0 asyncio does not know that this is TCP and leaves Nagle's
    # algorithm on: every answer on a kept-alive connection then takes 44 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"{setting}: port {port} is taken by another program, expected a free one"
            ) from error
        raise SettingsError(f"{setting}: cannot listen on {address}:{port}: {error}") from error
    return listener


async def serve(app: ASGIApp, listener: socket.socket, stop: asyncio.Event, **options: Any) -> None:
    """Serves until `stop` is set and the answers under way are given; closes the listener.

    `options` are uvicorn's.
    """
    server = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", **options)
    )

    async def end() -> None:
        await stop.wait()
        server.should_exit = True

    ending = asyncio.create_task(end(), name="http-server-stop")
    try:
        await server.serve(sockets=[listener])
    finally:
        await cancel(ending)
        listener.close()


class _Server(uvicorn.Server):
    """A uvicorn that leaves the process's signals to the service."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield
