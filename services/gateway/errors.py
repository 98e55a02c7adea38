"""Every error of the API in one shape, whoever raised it.

    {"error": {"code": "unknown_agent", "message": "...", "field": "agentId"}, "detail": "..."}

`code` is stable for programs, `message` is for people, `field` is there when one field is at fault.
`detail` repeats the message: pages written for the predecessor read it. Nothing internal is told.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from services.gateway import metrics
from shared.errors import BolchaalError, Unavailable
from shared.redis.client import AWAY
from shared.redis.outage import outage_reason

# What a bare HTTP status means in our codes.
CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class ErrorBody(BaseModel):
    code: str
    message: str
    field: str | None = None


class ErrorAnswer(BaseModel):
    """The body of every 4xx and 5xx answer."""

    error: ErrorBody
    detail: str


def answer(
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    metrics.REFUSED.labels(code=code).inc()
    error = ErrorBody(code=code, message=message, field=field)
    body = ErrorAnswer(error=error, detail=message).model_dump(exclude_none=True)
    return JSONResponse(body, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Handles everything that a route can raise."""
    app.add_exception_handler(BolchaalError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for kind in (*AWAY, RedisError):
        app.add_exception_handler(kind, _redis)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BolchaalError)  # noqa: S101 - registered for this type only
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(error.status, error.code, error.message, field=error.field, headers=headers)


async def _validation(_: Request, error: Exception) -> JSONResponse:
    """Names the first field at fault. Never repeats what was sent: it may be personal, or huge."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    fault = error.errors()[0]
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "json_invalid":
        return answer(422, "bad_json", "the body is not valid JSON")
    field = _field(fault["loc"])
    if field is None:
        return answer(422, "invalid", f"the body is not what is expected here: {message}")
    return answer(422, "invalid", f"{field}: {message}", field=field)


def _field(place: Sequence[Any]) -> str | None:
    """`("body", "userName")` is the field userName; `("body",)` is the body itself."""
    parts = [str(part) for part in place[1:]]
    return ".".join(parts) or None


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    code = CODES.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    headers = dict(error.headers) if error.headers else None
    return answer(error.status_code, code, str(error.detail), headers=headers)


async def _redis(request: Request, error: Exception) -> JSONResponse:
    logger.warning("{}: {}", request.url.path, outage_reason(error) or type(error).__name__)
    after = Unavailable.retry_after
    message = f"Redis does not do what it is asked: try again in {after} seconds"
    return await _ours(request, Unavailable(message))


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    # The server logs it with its traceback; whoever asked learns nothing of our insides.
    return answer(500, "internal", "a fault in the server: its log says more")
