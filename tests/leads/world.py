"""A call with a lead, a receiver that answers as a test likes, and the leads service in process."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from redis.asyncio import Redis

from services.leads.main import serve
from services.leads.settings import DeliverySettings, LeadsSettings
from shared.calls.log import CallLog, DeliveryUpdate as DeliveryEntry
from shared.ids import uuid7
from shared.leads import LeadChange, LeadContext, Leads
from shared.redis import keys
from shared.runtime.background import Background
from shared.runtime.health import Health
from shared.runtime.service import ServiceContext

ACCEPTED = (200, {"status": "accepted"})
Reply = tuple[int, Any]


@dataclass
class Post:
    key: str
    headers: dict[str, str]
    payload: dict[str, Any]
    raw: bytes

    @property
    def revision(self) -> int:
        return int(self.payload["data"].get("revision", 0))


@dataclass
class Receiver:
    """Answers each post with what `replies` gives next, and `usual` when there is no more.

    A reply is (status, JSON or text), a number of seconds to hang, or "reset".
    """

    usual: Any = ACCEPTED
    replies: list[Any] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    hold: asyncio.Event | None = None
    url: str = ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait(self, ready: Callable[["Receiver"], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: ready(self))

    async def posted(self, count: int, seconds: float = 10.0) -> None:
        await self.wait(lambda me: len(me.posts) >= count, seconds)

    async def take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        async with self.changed:
            self.posts.append(Post(headers.get("webhook-id", ""), headers, json.loads(raw), raw))
            self.changed.notify_all()
        try:
            if self.hold:
                await self.hold.wait()
            return await self._answer(request, self.replies.pop(0) if self.replies else self.usual)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.Request, reply: Any) -> web.StreamResponse:
        if reply == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(reply, float):
            await asyncio.sleep(reply)  # N8N takes so long to answer
            reply = ACCEPTED
        status, body = reply
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)

    async def alert(self, request: web.Request) -> web.Response:
        async with self.changed:
            self.alerts.append(await request.json())
            self.changed.notify_all()
        return web.Response()


@contextlib.asynccontextmanager
async def receiving(**options: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver(**options)
    app = web.Application()
    app.router.add_post("/webhook/{name}", receiver.take)
    app.router.add_post("/alert", receiver.alert)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        if receiver.hold:
            receiver.hold.set()
        await runner.cleanup()


def settings(redis_url: str, n8n: str | None, **changes: Any) -> DeliverySettings:
    """Settings with pauses that a test can wait for."""
    quick = {
        "lead_timeout": 0.3,
        "lead_attempt_grace": 0.5,
        "lead_retry_first": 0.02,
        "lead_retry_longest": 0.1,
    }
    return LeadsSettings(
        _env_file=None, redis_url=redis_url, n8n_base_url=n8n, **{**quick, **changes}
    )


@contextlib.asynccontextmanager
async def delivering(
    redis: Redis, redis_url: str, *replies: Any, hold: asyncio.Event | None = None, **changes: Any
) -> AsyncIterator[Receiver]:
    """A receiver and one replica of the service that posts to it."""
    async with (
        receiving(replies=list(replies), hold=hold) as receiver,
        serving(redis, settings(redis_url, receiver.url, **changes)),
    ):
        yield receiver


@contextlib.asynccontextmanager
async def serving(redis: Redis, chosen: DeliverySettings) -> AsyncIterator[Health]:
    """The leads service, as one replica, while the context is open."""
    health = Health("leads", uuid7())
    stop = asyncio.Event()
    async with contextlib.AsyncExitStack() as resources, Background(health) as background:
        context = ServiceContext("leads", chosen, redis, health, background, resources, stop)
        task = asyncio.create_task(serve(context, block_ms=20, look_every=0.05))
        try:
            yield health
        finally:
            stop.set()
            await task


@dataclass
class Caller:
    """A call in Redis whose caller says things."""

    redis: Redis
    lead_id: str = field(default_factory=uuid7)
    call_id: str = field(default_factory=uuid7)
    required: tuple[str, ...] = ("name", "phone")
    _sequence: int = 0

    async def says(self, **values: Any) -> int:
        """Values of fields; answers the lead's revision."""
        self._sequence += 1
        changes = [
            LeadChange(field=name, value=value, attempt=1, sequence=self._sequence)
            for name, value in values.items()
        ]
        leads = Leads(self.redis, source="agent")
        return (await leads.apply(self.context(), changes)).revision

    async def gives_all(self) -> int:
        return await self.says(name="Asha", phone="+919876543210")

    def context(self) -> LeadContext:
        return LeadContext(
            lead_id=self.lead_id,
            call_id=self.call_id,
            room="room",
            channel="web",
            caller=None,
            account="default",
            agent_id="default",
            profile_version="v1",
            language="hi-IN",
            required=self.required,
        )

    async def log(self) -> list[DeliveryEntry]:
        entries = await CallLog(self.redis).read(self.call_id)
        return [each.entry for each in entries if isinstance(each.entry, DeliveryEntry)]

    async def states(self) -> list[tuple[int, str]]:
        return [(entry.revision, entry.state) for entry in await self.log()]

    async def reaches(self, state: str, revision: int = 1, seconds: float = 10.0) -> DeliveryEntry:
        """Waits until the call's log says so."""
        after = "0"
        async with asyncio.timeout(seconds):
            async for batch in CallLog(self.redis).follow(self.call_id, after=after, block_ms=500):
                for each in batch:
                    entry = each.entry
                    if not isinstance(entry, DeliveryEntry):
                        continue
                    if entry.state == state and entry.revision == revision:
                        return entry
        raise AssertionError("a log is followed for ever")


async def unread(redis: Redis, streams: Sequence[str] = (keys.LEADS, keys.CALLS)) -> int:
    """Entries that the service has not acknowledged or not read."""
    from shared.bus import read_group_stats

    total = 0
    for stream in streams:
        gauges = await read_group_stats(redis, stream, "leads")
        total += gauges.lag + gauges.pending + gauges.scheduled
    return total
