"""/healthz, /readyz and /metrics, over HTTP, for a service that has no other server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from loguru import logger
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.runtime.health import Health, readiness_answer
from shared.runtime.http_server import bind, serve


def routes(health: Health) -> list[Route]:
    """The three routes."""

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


@contextlib.asynccontextmanager
async def serving(health: Health, address: str, port: int) -> AsyncIterator[int]:
    """Serves the three routes while the context is open; gives the port (0 took a free one)."""
    listener = bind(address, port, "HEALTH_PORT")
    bound = int(listener.getsockname()[1])
    stop = asyncio.Event()
    app = Starlette(routes=routes(health))
    task = asyncio.create_task(serve(app, listener, stop), name="health-server")
    logger.debug("health on {}:{}", address, bound)
    try:
        yield bound
    finally:
        stop.set()
        await task
