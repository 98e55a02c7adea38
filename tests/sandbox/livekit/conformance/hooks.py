"""A receiver of the server's webhooks, which checks their signatures."""

import base64
import hashlib
import json
from typing import Any

import jwt
from aiohttp import web

from tests.sandbox.livekit.conformance.trace import Trace

SLIM_PARTICIPANT = (
    "sid",
    "identity",
    "state",
    "version",
    "kind",
    "disconnectReason",
    "isPublisher",
)
SLIM_ROOM = ("name", "numParticipants", "numPublishers")
SLIM_TRACK = ("sid", "source")


class Hooks:
    """Listens on a free port of 127.0.0.1; give `url` to the server."""

    def __init__(self, trace: Trace, secret: str) -> None:
        self._trace = trace
        self._secret = secret
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = json.loads(body)
        self._trace.see(
            "webhook",
            "s>hook",
            event["event"],
            event,
            content_type=request.headers["Content-Type"],
            auth=self._auth(request.headers["Authorization"], body),
        )
        return web.Response()

    def _auth(self, token: str, body: bytes) -> dict[str, Any]:
        claims = jwt.decode(token, self._secret, algorithms=["HS256"])
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return {
            "claims_keys": sorted(claims),
            "alg": jwt.get_unverified_header(token)["alg"],
            "sha256_ok": claims["sha256"] == digest,
        }


def slim(event: dict[str, Any]) -> dict[str, Any]:
    """A webhook cut to its telling fields, as most recordings keep it."""
    cut: dict[str, Any] = {"slim": 1, "event": event["event"]}
    for name, kept in (
        ("room", SLIM_ROOM),
        ("participant", SLIM_PARTICIPANT),
        ("track", SLIM_TRACK),
    ):
        if name in event:
            cut[name] = {key: event[name][key] for key in kept if key in event[name]}
    return cut
