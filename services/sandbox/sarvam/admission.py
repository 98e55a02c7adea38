"""Which requests are let in, and how the others are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NoReturn

from aiohttp import web

from services.sandbox.sarvam.backend import Backend
from services.sandbox.sarvam.socket import Socket
from shared.ids import uuid7

FORBIDDEN: Final = 403
REFUSED: Final = 1003  # key, quota or rate limit
REJECTED: Final = 4000  # the request itself
_LOWEST_CLOSE_CODE: Final = 1000


def error(status: int, message: str, code: str = "invalid_request_error") -> web.Response:
    """An error as Sarvam's HTTP endpoints report it."""
    body = {"error": {"message": message, "code": code, "request_id": uuid7()}}
    return web.json_response(body, status=status)


@asynccontextmanager
async def admitted(
    request: web.Request, backend: Backend, path: str, *, refused: int
) -> AsyncIterator[Socket]:
    """The request's socket; closed already when the request is refused, and then sends nothing.

    `refused` is how this endpoint refuses a key: a close code, or an HTTP status instead of the
    handshake, which raises web.HTTPException.
    """
    socket = Socket(request, path, idle_s=backend.idle_s)
    refusal = backend.refusal(request, path)
    code = refusal.code or refused if refusal else None
    if code is not None and code < _LOWEST_CLOSE_CODE:
        raise_refusal(code)
    await socket.prepare()
    if code is not None:
        await socket.close(code, "authentication, quota or rate limit")
    backend.sockets.add(socket)
    try:
        yield socket
    finally:
        backend.sockets.discard(socket)


def raise_refusal(status: int) -> NoReturn:
    """Raises web.HTTPException with the status."""
    answer = error(status, "Invalid API key", "invalid_api_key_error")
    exception = web.HTTPForbidden(text=answer.text, content_type="application/json")
    exception.set_status(status)
    raise exception
