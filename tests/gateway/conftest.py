"""A gateway on a free port, on a real Valkey, with LiveKit's server API in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.gateway.app import create_app
from services.gateway.dependencies import Gateway
from services.gateway.lifespan import open_gateway
from services.gateway.settings import GatewaySettings
from shared.profiles import Profile, default_profile, version
from shared.profiles.record import ProfileRecord, write
from shared.runtime.http_server import bind, serve
from shared.runtime.service import open_context
from tests.gateway.rooms import Rooms

KEY = "devkey"
SECRET = "a-livekit-secret-of-thirty-two-characters"

Gateways = Callable[..., Awaitable[httpx.AsyncClient]]


def gateway_settings(redis_url: str, **changes: Any) -> GatewaySettings:
    values = {
        "redis_url": redis_url,
        "livekit_url": "ws://127.0.0.1:7880",
        "livekit_api_key": KEY,
        "livekit_api_secret": SECRET,
        "config_timeout": 0.2,
        **changes,
    }
    return GatewaySettings(_env_file=None, **values)


async def put_profile(redis: Redis, profile: Profile, **changes: Any) -> None:
    """A profile as config would have stored it: fresh for good."""
    record = ProfileRecord(
        profile=profile, version=version(profile), origin="n8n", fresh_until_ms=2**52, **changes
    )
    await write(redis, profile.id, record)


@asynccontextmanager
async def open_test_gateway(
    settings: GatewaySettings, rooms: Rooms | None
) -> AsyncIterator[tuple[Gateway, asyncio.Event]]:
    """What a gateway's routes work with, its loops running, and the event that stops it."""
    stop = asyncio.Event()
    async with open_context("gateway", settings, stop, own_http=True) as context:
        yield await open_gateway(context, livekit=rooms), stop


@asynccontextmanager
async def serving(settings: GatewaySettings, rooms: Rooms | None) -> AsyncIterator[str]:
    """A gateway while the context is open; gives its address."""
    async with open_test_gateway(settings, rooms) as (gateway, stop):
        listener = bind("127.0.0.1", 0, "WEB_PORT")
        app = create_app(gateway)
        task = asyncio.create_task(serve(app, listener, stop, timeout_graceful_shutdown=3))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            await task


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest_asyncio.fixture
async def gateways(redis_url: str, rooms: Rooms) -> AsyncIterator[Gateways]:
    """Starts gateways with settings of the test's own; answers a client each."""
    async with AsyncExitStack() as stack:

        async def start(**changes: Any) -> httpx.AsyncClient:
            url = await stack.enter_async_context(
                serving(gateway_settings(**{"redis_url": redis_url, **changes}), rooms)
            )
            return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=10))

        yield start


@pytest_asyncio.fixture
async def client(gateways: Gateways, redis: Redis) -> httpx.AsyncClient:
    """A client of a gateway with plain settings and the built-in profile at hand."""
    await put_profile(redis, default_profile())
    return await gateways()
