"""What every request passes: a cap on its body, headers that keep the page safe, and CORS."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.errors import answer

MAX_BODY_BYTES = 256 * 1024  # LiveKit's largest webhook is a few KB, ours are smaller
# A refused body is read to its end up to this many bytes: a client that is still sending would see
# a reset connection instead of the answer.
DRAIN_BYTES = 32 * 1024 * 1024


class BodyLimit:
    """Answers 413 to a body over MAX_BODY_BYTES bytes, whether or not it announces its length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > DRAIN_BYTES:
            await _refuse(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            await _refuse(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when it is too large (it has then been drained)."""
    kept, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(kept)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            kept += chunk
        if not message.get("more_body") or size > DRAIN_BYTES:
            return bytes(kept) if size <= MAX_BODY_BYTES else None


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = answer(413, "too_large", f"the body is larger than {MAX_BODY_BYTES // 1024} KB")
    await refusal(scope, receive, send)


class PublicCors:
    """Lets pages of other sites use the public routes, never with cookies.

    The predecessor's users have such pages. Everything else stays closed to them.
    """

    ROUTES = ("/api/token", "/api/languages", "/health")

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
            expose_headers=["Retry-After"],
            max_age=3_600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        public = scope["type"] == "http" and scope["path"] in self.ROUTES
        await (self._open if public else self._app)(scope, receive, send)


class SafeHeaders:
    """Sets the headers of `security_headers` on every answer."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def security_headers(livekit_url: str, caller_url: str | None) -> dict[str, str]:
    """The content security policy allows our own files, LiveKit and the simulated caller."""
    connect = ["'self'", *_livekit_sources(livekit_url)]
    if caller_url:
        connect.append(_origin(caller_url))
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self'",
        "media-src": "'self' blob:",
        "connect-src": " ".join(connect),
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _livekit_sources(url: str) -> list[str]:
    """The client opens a WebSocket and, to learn why it was refused, fetches over HTTP."""
    parts = urlsplit(url)
    secure = parts.scheme in ("wss", "https")
    host = parts.netloc
    sources = [f"{'wss' if secure else 'ws'}://{host}", f"{'https' if secure else 'http'}://{host}"]
    if (parts.hostname or "").endswith(".livekit.cloud"):
        # LiveKit Cloud sends clients on to the region that is nearest to them.
        sources += ["wss://*.livekit.cloud", "https://*.livekit.cloud"]
    return sources


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
