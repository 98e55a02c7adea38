"""What no Sarvam has: what callers say, and the sockets to meddle with."""

from typing import Any

from aiohttp import web

from services.sandbox.sarvam.backend import Backend
from services.sandbox.sarvam.faults import PATHS
from services.sandbox.sarvam.socket import Socket
from services.sandbox.speech import SpeechUnavailable

_CLOSE_CODES = range(1000, 5000)


async def utter(request: web.Request, backend: Backend) -> web.Response:
    """What a caller says, as audio.

    JSON `{text, language, voice?, sample_rate?, format?: "wav" | "pcm", pause_ms?}`.
    """
    try:
        body = await _object(request)
        form = body.get("format", "wav")
        if form not in ("wav", "pcm"):
            raise ValueError(f"format {form!r}: expected wav or pcm")
        said = await backend.speaker.say(
            _text(body, "text"),
            _text(body, "language"),
            voice=_text(body, "voice") if body.get("voice") else None,
            sample_rate=_whole(body, "sample_rate", 48_000),
            pause_s=_whole(body, "pause_ms", 400) / 1000,
        )
    except ValueError as error:
        return _error(422, "invalid", str(error))
    except SpeechUnavailable as error:
        return _error(503, error.code, error.message)
    return web.Response(
        body=said.wav() if form == "wav" else said.pcm,
        content_type=f"audio/{form}",
        headers={
            "x-utterance-id": str(said.id),
            "x-utterance-seconds": f"{said.seconds:.3f}",
            "x-sample-rate": str(said.sample_rate),
        },
    )


async def list_sockets(_request: web.Request, backend: Backend) -> web.Response:
    sockets = sorted(backend.sockets, key=lambda socket: socket.id)
    return web.json_response({"sockets": [_described(socket) for socket in sockets]})


async def meddle(request: web.Request, backend: Backend) -> web.Response:
    """JSON with `close` (a code), `reset` or `freeze`; `path` narrows it to one kind of socket."""
    try:
        body = await _object(request)
        path = body.get("path")
        if path is not None and path not in PATHS:
            raise ValueError(f"path {path!r}: one of {', '.join(PATHS)}")
        code = _whole(body, "close", 0)
        if code not in (0, *_CLOSE_CODES):
            raise ValueError(f"close {code}: expected a close code")
    except ValueError as error:
        return _error(422, "invalid", str(error))
    sockets = [each for each in backend.sockets if path in (None, each.path)]
    for socket in sockets:
        if code:
            await socket.close(code, "closed on demand")
        elif body.get("reset"):
            socket.reset()
        elif body.get("freeze"):
            socket.freeze()
    return web.json_response({"sockets": len(sockets)})


def _described(socket: Socket) -> dict[str, Any]:
    return {
        "id": socket.id,
        "path": socket.path,
        "language": socket.language,
        "seconds": round(socket.carried_s, 2),
    }


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise ValueError("expected JSON") from None
    if not isinstance(body, dict):
        raise ValueError("expected a JSON object")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text")
    return value


def _whole(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name}: expected a whole number")
    return value


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
