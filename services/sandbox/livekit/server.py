"""The development LiveKit server as one object: routes, start and stop."""

import random
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from loguru import logger

from services.sandbox.livekit.agent_workers import AgentWorkers
from services.sandbox.livekit.dispatch_service import DispatchService
from services.sandbox.livekit.dispatches import AgentDispatches
from services.sandbox.livekit.errors import Refusal
from services.sandbox.livekit.grants import Authority
from services.sandbox.livekit.protocol import new_sid
from services.sandbox.livekit.room_service import RoomService
from services.sandbox.livekit.rooms import Rooms
from services.sandbox.livekit.signalling import Signalling, bearer
from services.sandbox.livekit.timings import Timings
from services.sandbox.livekit.twirp import Twirp
from services.sandbox.livekit.webhooks import Webhooks
from services.sandbox.serve import HOST, listen, port_of
from shared.clock import SYSTEM_CLOCK, Clock

_SHUTDOWN_S = 2.0
_LONGEST_URL = 256 * 1024  # bytes: a join request carries a whole offer in its query

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DevServer:
    """`async with DevServer(key, secret) as server:` then clients go to `server.url`.

    `port` 0 takes a free one. `webhook_urls` are told what happens, signed with the key pair.
    `timings` shortens waits, `pick` chooses among workers; `clock` dates tokens and rooms.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        port: int = 0,
        webhook_urls: Sequence[str] = (),
        clock: Clock = SYSTEM_CLOCK,
        timings: Timings | None = None,
        pick: random.Random | None = None,
    ) -> None:
        timings = timings or Timings()
        self.key, self.secret = key, secret
        self.port = port
        node_id = new_sid("ND_")
        self._authority = Authority(key, secret, clock)
        self._webhooks = Webhooks(webhook_urls, self._authority, clock)
        self._workers = AgentWorkers(timings, node_id, pick or random.Random())
        self._dispatches = AgentDispatches(self._workers, self._authority, timings, clock)
        self.rooms = Rooms(self._dispatches, self._webhooks, timings, clock)
        """What is going on, for tests."""
        self._signalling = Signalling(self.rooms, self._authority, clock, node_id)
        self._twirp = Twirp(
            {
                "livekit.RoomService": RoomService(self.rooms, timings).methods,
                "livekit.AgentDispatchService": DispatchService(
                    self.rooms, self._dispatches, timings
                ).methods,
            }
        )
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """For LIVEKIT_URL."""
        return f"ws://{HOST}:{self.port}"

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._runner = await listen(
            self._app(), self.port, shutdown_timeout=_SHUTDOWN_S, max_line_size=_LONGEST_URL
        )
        self.port = port_of(self._runner)
        await self._webhooks.start()
        logger.info("development LiveKit server at {}", self.url)

    async def stop(self) -> None:
        """Rooms are closed, sockets and media too; queued webhooks are still sent."""
        await self._dispatches.stop()
        await self.rooms.stop()
        self._workers.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._webhooks.stop()

    async def __aenter__(self) -> "DevServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_plain_answers])
        app.add_routes(
            [
                web.get("/", _alive),
                web.get("/rtc/v1", self._signalling.connect),
                web.get("/rtc/v1/validate", self._signalling.validate),
                web.get("/rtc/validate", self._signalling.validate_older),
                web.options("/{path:.*}", _preflight),
                web.get("/agent", self._agent),
                web.post("/twirp/{service}/{method}", self._call),
            ]
        )
        return app

    async def _agent(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        if not socket.can_prepare(request):
            return web.Response(status=404)
        if not self._authority.verify(bearer(request)).may("agent"):
            raise Refusal(401, "permissions denied")
        await socket.prepare(request)
        await self._workers.serve(socket)
        return socket

    async def _call(self, request: web.Request) -> web.StreamResponse:
        header = request.headers.get("Authorization")
        token = self._authority.verify(bearer(request)) if header else None
        return await self._twirp.call(request, token)


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="OK")


async def _preflight(request: web.Request) -> web.Response:
    headers = {
        "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
        "Access-Control-Allow-Methods": request.headers.get("Access-Control-Request-Method", "*"),
        "Access-Control-Max-Age": "86400",
    }
    if wanted := request.headers.get("Access-Control-Request-Headers"):
        headers["Access-Control-Allow-Headers"] = wanted
    return web.Response(status=204, headers=headers)


@web.middleware
async def _plain_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals and unknown paths as plain text, and any page may read the answer."""
    try:
        response = await handler(request)
    except Refusal as refusal:
        response = web.Response(status=refusal.status, text=refusal.message)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        response = web.Response(status=404, text="404 page not found\n")
    if not response.prepared and request.method != "OPTIONS":
        if "Origin" in request.headers:
            response.headers["Access-Control-Expose-Headers"] = "*"
        if "Origin" in request.headers or request.path.endswith("/validate"):
            response.headers["Access-Control-Allow-Origin"] = "*"
    return response
