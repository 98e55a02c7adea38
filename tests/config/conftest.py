"""An N8N on a port, and a config replica as the service builds it, without the process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from services.config.n8n import N8nProfiles
from services.config.refresh import Refresher
from services.sandbox.n8n import N8nStandIn
from shared.bus import Bus, Consumer, Policy
from shared.events import ProfileWanted
from shared.profiles import ProfileReader
from shared.redis import keys
from shared.runtime.health import Health
from tests.waiting import until

# Long enough never to be over by chance, short enough to wait for where it must be over.
TIMEOUT = 0.5

CLINIC: dict[str, Any] = {
    "id": "clinic",
    "name": "Clinic",
    "language": "ta-IN",
    "qualification_questions": ["Which doctor?"],
}


class Replica:
    """One config service: its refresher, its health, its N8N's address."""

    def __init__(self, refresher: Refresher, health: Health) -> None:
        self.refresher = refresher
        self.health = health


Start = Callable[..., Awaitable[Replica]]


@pytest.fixture
async def n8n() -> N8nStandIn:
    return N8nStandIn(profiles={"clinic": CLINIC}, delay_ms=0)


@pytest.fixture
async def server(n8n: N8nStandIn) -> AsyncIterator[TestServer]:
    """Close it to take N8N down."""
    server = TestServer(n8n.app())
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def start(redis: Redis, server: TestServer) -> AsyncIterator[Start]:
    """Starts a replica that consumes wishes."""
    opened: list[tuple[asyncio.Task[None], N8nProfiles | None]] = []
    stop = asyncio.Event()

    async def start(
        *, use_n8n: bool = True, folder: Path | None = None, ttl: float = 60, pause_ms: int = 200
    ) -> Replica:
        source = None
        if use_n8n:
            source = N8nProfiles(str(server.make_url("/webhook/agent-config")), timeout=TIMEOUT)
        health = Health("config", f"replica-{len(opened)}")
        refresher = Refresher(
            redis,
            health,
            n8n=source,
            folder=folder,
            ttl=ttl,
            timeout=TIMEOUT,
            pause_ms=pause_ms,
        )
        consumer = Consumer(
            redis,
            ProfileWanted.stream,
            "config",
            {ProfileWanted: refresher.on_wanted},
            policy=Policy(block_ms=20),
        )
        opened.append((asyncio.create_task(consumer.run(stop)), source))
        return Replica(refresher, health)

    yield start
    stop.set()
    for task, source in opened:
        await task
        if source:
            await source.aclose()


@pytest.fixture
async def reader(redis: Redis) -> AsyncIterator[ProfileReader]:
    """A gateway's view of profiles."""
    bus = Bus(redis, source="gateway")
    async with ProfileReader(redis, bus.publish, timeout=2 * TIMEOUT) as reader:
        yield reader


def fetches(n8n: N8nStandIn) -> int:
    return n8n.profile_requests


def forget(reader: ProfileReader) -> None:
    """As if the 30 s for which a process holds a profile were over."""
    reader._held.clear()


async def settled(redis: Redis) -> None:
    """Until no wish is waiting or in hand."""

    async def done() -> bool:
        groups = await redis.xinfo_groups(keys.PROFILES_WANTED)
        return bool(groups) and groups[0]["pending"] == 0 and not groups[0]["lag"]

    await until(done)
