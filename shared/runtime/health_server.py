"""/healthz, /readyz and /metrics, over HTTP, for a service that has no other server."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator

import uvicorn
from loguru import logger
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.errors import SettingsError
from shared.runtime.health import Health, readiness_answer


def routes(health: Health) -> list[Route]:
    """The three routes, for a service that has a server of its own to put them into."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        code, answer = readiness_answer(health)
        return JSONResponse(answer, status_code=code)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]


def bind(address: str, port: int, setting: str) -> socket.socket:
    """A listening socket. Raises SettingsError that names `setting` when the port is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"{setting}: port {port} is taken by another program, expected a free one"
            ) from error
        raise SettingsError(f"{setting}: cannot listen on {address}:{port}: {error}") from error
    return listener


@contextlib.asynccontextmanager
async def serving(health: Health, address: str, port: int) -> AsyncIterator[int]:
    """Serves the three routes while the context is open; gives the port (0 took a free one)."""
    listener = bind(address, port, "HEALTH_PORT")
    config = uvicorn.Config(
        Starlette(routes=routes(health)), log_config=None, access_log=False, lifespan="off"
    )
    server = Embedded(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="health-server")
    bound = int(listener.getsockname()[1])
    logger.debug("health on {}:{}", address, bound)
    try:
        yield bound
    finally:
        server.should_exit = True
        await task
        listener.close()


class Embedded(uvicorn.Server):
    """A uvicorn that leaves the process's signals alone: the service's own shell has them."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield
