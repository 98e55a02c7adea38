"""What the gateway opens when it starts, and does beside its routes while it runs."""

from functools import partial

from services.gateway.calls.watchdog import Watchdog
from services.gateway.dependencies import Gateway
from services.gateway.livekit import LiveKitError, LiveKitRooms, LiveKitServer
from services.gateway.page import assets
from services.gateway.settings import GatewaySettings
from shared.bus.publish import Bus
from shared.profiles import ProfileReader
from shared.runtime.health import Health
from shared.runtime.service import ServiceContext

CHECK_LIVEKIT_EVERY_S = 10.0


async def open_gateway(
    context: ServiceContext[GatewaySettings], *, livekit: LiveKitRooms | None = None
) -> Gateway:
    """Everything that the routes work with, and the loops beside them. Tests give `livekit`."""
    settings, resources = context.settings, context.resources
    publish = Bus(context.redis, context.name).publish
    if livekit is None:
        livekit = await resources.enter_async_context(LiveKitServer(settings))
    gateway = Gateway(
        context,
        livekit=livekit,
        profiles=await resources.enter_async_context(
            ProfileReader(
                context.redis, publish, timeout=settings.config_timeout, health=context.health
            )
        ),
    )
    resources.push_async_callback(gateway.aclose)
    watchdog = Watchdog(
        redis=context.redis,
        calls=gateway.calls,
        call_log=gateway.call_log,
        livekit=gateway.livekit,
        health=context.health,
    )
    if assets.missing():
        reason = "the page's scripts and fonts are missing: run make setup"
        context.health.set_degraded("assets", reason)
    context.background.run("watchdog", watchdog.run)
    context.background.every(
        "LiveKit check",
        CHECK_LIVEKIT_EVERY_S,
        partial(check_livekit, gateway.livekit, context.health),
    )
    return gateway


async def check_livekit(livekit: LiveKitRooms, health: Health) -> None:
    """Says in time what a caller would otherwise find out."""
    try:
        await livekit.check()
        health.set_ok("livekit")
    except LiveKitError as error:
        health.set_degraded("livekit", error.message)
