"""What the HTTP handlers of all stand-ins share."""

from collections.abc import Collection
from typing import Any, Final

from aiohttp import web

SIMULATED: Final = {"x-simulated": "bolchaal-sandbox"}
BAD_KEY: Final = "invalid"
"""A key that begins so is refused, so that a wrong key can be tried without a cloud."""


async def label(_request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`: every answer says that it comes from a simulation."""
    response.headers.update(SIMULATED)


def accepts_key(key: str, api_keys: Collection[str] | None) -> bool:
    """Whether a request may come in with this key.

    `api_keys` None takes any key that is not empty and does not begin with BAD_KEY.
    """
    if api_keys is None:
        return bool(key) and not key.startswith(BAD_KEY)
    return key in api_keys


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body. Raises ValueError, with a reason for the client."""
    try:
        body = await request.json()
    except ValueError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError(f"found {type(body).__name__}, expected a JSON object")
    return body


def error(status: int, code: str, message: str) -> web.Response:
    """An error in the form of our own API."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def cut_connection(request: web.Request) -> None:
    """Ends the connection at once, without an answer or a close frame."""
    if request.transport is not None:
        request.transport.abort()
