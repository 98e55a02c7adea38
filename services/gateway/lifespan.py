"""What the gateway has while it runs: connections, readers, and the tasks beside the routes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from loguru import logger
from redis.asyncio import Redis

from services.gateway.auth import Access
from services.gateway.calls.token import Tokens
from services.gateway.calls.watchdog import Watchdog
from services.gateway.dependencies import Gateway
from services.gateway.livekit import LiveKitAway, LiveKitRefused, LiveKitRooms, LiveKitServer
from services.gateway.page import assets
from services.gateway.rate_limit import Limits
from services.gateway.settings import GatewaySettings
from shared.bus.publish import Bus
from shared.calls import Calls
from shared.calls.log import CallLog
from shared.deliveries import Deliveries
from shared.leads import Leads
from shared.profiles import ProfileReader
from shared.redis.client import connect
from shared.runtime.health import Health
from shared.runtime.tasks import cancel

NAME = "gateway"
FOLLOWERS = 520  # connections for event streams: their limit and a few to spare
RESTART_S = 1.0  # before a task that failed begins anew
CHECK_S = 10.0  # how often LiveKit is asked whether it takes our key

Work = Callable[[], Coroutine[None, None, None]]


@asynccontextmanager
async def open_context(
    settings: GatewaySettings, health: Health, livekit: LiveKitRooms | None
) -> AsyncIterator[Gateway]:
    """Everything that the routes work with, and the tasks beside them, while the server runs."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(_client(settings.redis_url))
        follower = await stack.enter_async_context(
            _client(settings.redis_url, max_connections=FOLLOWERS)
        )
        rooms = livekit
        if rooms is None:
            rooms = await stack.enter_async_context(_server(settings))
        bus = Bus(redis, NAME)
        reader = ProfileReader(redis, bus.publish, timeout=settings.config_timeout)
        gateway = Gateway(
            settings=settings,
            redis=redis,
            livekit=rooms,
            health=health,
            bus=bus,
            profiles=await stack.enter_async_context(reader),
            calls=Calls(
                redis,
                source=NAME,
                keep_days=settings.keep_days,
                keep_log_days=settings.keep_log_days,
            ),
            call_log=CallLog(redis, keep_days=settings.keep_log_days),
            follower=CallLog(follower),
            leads=Leads(redis, source=NAME, keep_days=settings.keep_days),
            deliveries=Deliveries(redis),
            access=Access(
                api_key=settings.gateway_api_key,
                secret=settings.livekit_api_secret.get_secret_value(),
                on_loopback=settings.on_loopback,
            ),
            limits=Limits(redis, kind="tokens", per_minute=settings.tokens_per_minute),
            tokens=Tokens(
                key=settings.livekit_api_key,
                secret=settings.livekit_api_secret.get_secret_value(),
                agent_name=settings.agent_name,
                ttl=settings.token_ttl,
            ),
        )
        watchdog = Watchdog(
            redis=redis,
            calls=gateway.calls,
            call_log=gateway.call_log,
            livekit=rooms,
            health=health,
        )
        _check_assets(health)
        works = {
            "watchdog": watchdog.run,
            "health reports": lambda: health.publish(redis),
            "LiveKit check": lambda: _check_livekit(rooms, health),
        }
        async with _running(works):
            yield gateway


@asynccontextmanager
async def _client(url: str, max_connections: int = 100) -> AsyncIterator[Redis]:
    client = connect(url, max_connections=max_connections)
    try:
        yield client
    finally:
        await client.aclose()


def _server(settings: GatewaySettings) -> AbstractAsyncContextManager[LiveKitServer]:
    return LiveKitServer(
        url=settings.livekit_url,
        key=settings.livekit_api_key,
        secret=settings.livekit_api_secret.get_secret_value(),
        agent_name=settings.agent_name,
    )


@asynccontextmanager
async def _running(works: dict[str, Work]) -> AsyncIterator[None]:
    """Runs tasks for as long as the context is open."""
    tasks = [asyncio.create_task(_for_ever(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        await cancel(*tasks)


async def _for_ever(name: str, work: Work) -> None:
    """Begins a task anew after a fault that nobody foresaw: calls depend on it, unlike answers."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  whatever it is, it is logged and tried again
            logger.opt(exception=error).error("the {} stumbled", name)
        await asyncio.sleep(RESTART_S)


def _check_assets(health: Health) -> None:
    if assets.missing():
        health.set_degraded("assets", "the page's scripts and fonts are missing: run make setup")


async def _check_livekit(rooms: LiveKitRooms, health: Health) -> None:
    """Says in time what a caller would otherwise find out."""
    while True:
        try:
            await rooms.check()
            health.set_ok("livekit")
        except (LiveKitRefused, LiveKitAway) as error:
            health.set_degraded("livekit", error.message)
        await asyncio.sleep(CHECK_S)
