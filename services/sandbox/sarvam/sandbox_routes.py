"""Routes that Sarvam does not have: speech for simulated callers, and sockets to break."""

from typing import Any

from aiohttp import web

from services.sandbox.handlers import error, read_object
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
        body = await read_object(request)
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
    except ValueError as wrong:
        return error(422, "invalid", str(wrong))
    except SpeechUnavailable as unavailable:
        return error(503, unavailable.code, unavailable.message)
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


async def break_sockets(request: web.Request, backend: Backend) -> web.Response:
    """JSON with `close` (a code), `reset` or `freeze`; `path` narrows it to one kind of socket."""
    try:
        body = await read_object(request)
        path = body.get("path")
        if path is not None and path not in PATHS:
            raise ValueError(f"path {path!r}: one of {', '.join(PATHS)}")
        code = _whole(body, "close", 0)
        if code not in (0, *_CLOSE_CODES):
            raise ValueError(f"close {code}: expected a close code")
    except ValueError as wrong:
        return error(422, "invalid", str(wrong))
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
