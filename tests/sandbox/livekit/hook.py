"""A receiver of the development server's webhooks."""

import asyncio
from typing import Self

from aiohttp import web
from google.protobuf.json_format import Parse
from livekit import api
from livekit.protocol.webhook import WebhookEvent

from tests.sandbox.livekit.clients import KEY, SECRET, WAIT


class Hook:
    """A webhook receiver that checks signatures, and can be told to fail."""

    def __init__(self) -> None:
        self._verify = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET))
        self._runner: web.AppRunner | None = None
        self._arrived: asyncio.Queue[WebhookEvent] = asyncio.Queue()
        self.events: list[WebhookEvent] = []
        self.bodies: list[str] = []
        self.failures = 0
        """How many requests are yet to be answered with 503."""
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes([web.post("/hook", self._receive)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        if self.failures:
            self.failures -= 1
            return web.Response(status=503)
        body = await request.text()
        assert request.content_type == "application/webhook+json"
        self._verify.receive(body, request.headers["Authorization"])
        event = Parse(body, WebhookEvent())
        self.bodies.append(body)
        self.events.append(event)
        self._arrived.put_nowait(event)
        return web.Response()

    async def until(self, name: str) -> WebhookEvent:
        """The next event of that name."""
        async with asyncio.timeout(WAIT):
            while True:
                event = await self._arrived.get()
                if event.event == name:
                    return event

    @property
    def names(self) -> list[str]:
        return [event.event for event in self.events]
