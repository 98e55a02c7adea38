"""The config service: owns agent profiles, from N8N or from files, and keeps them in Redis."""

import asyncio

from loguru import logger
from redis.exceptions import RedisError

from services.config.n8n import N8nProfiles
from services.config.refresh import Refresher
from services.config.settings import ConfigSettings
from shared.bus import Consumer
from shared.events import ProfileWanted
from shared.profiles import DEFAULT_ID
from shared.runtime.service import ServiceContext
from shared.runtime.settings import redact
from shared.runtime.tasks import cancel

GROUP = "config"
# Waiting for the end of an invalidation's pause holds a place, so there are many.
CONCURRENCY = 64
# A fetch must be over before those who wait for it give up.
SHARE_OF_TIMEOUT = 0.9
# How often an N8N that failed is asked whether it is back, when nobody else asks. Seconds.
PROBE_EVERY_S = 10.0


def n8n_of(settings: ConfigSettings) -> N8nProfiles | None:
    """The N8N of the settings, None when there is none."""
    if settings.n8n_base_url is None:
        return None
    auth = None
    if settings.n8n_auth_header and settings.n8n_auth_value:
        auth = (settings.n8n_auth_header, settings.n8n_auth_value.get_secret_value())
    return N8nProfiles(
        settings.n8n_base_url + settings.n8n_webhook_agent_config,
        timeout=settings.config_timeout * SHARE_OF_TIMEOUT,
        auth=auth,
    )


async def main(context: ServiceContext[ConfigSettings]) -> None:
    settings = context.settings
    n8n = n8n_of(settings)
    logger.info("profiles from {}", redact(settings.n8n_base_url or "files"))
    refresher = Refresher(
        context.redis,
        context.health,
        n8n=n8n,
        folder=settings.profiles_dir,
        ttl=settings.config_ttl,
        timeout=settings.config_timeout * SHARE_OF_TIMEOUT,
    )
    consumer = Consumer(
        context.redis,
        ProfileWanted.stream,
        GROUP,
        {ProfileWanted: refresher.on_wanted},
        concurrency=CONCURRENCY,
        health=context.health,
        on_outage=lambda reason: (
            context.health.set_failing("redis", reason)
            if reason
            else context.health.set_ok("redis")
        ),
    )
    reading = asyncio.create_task(consumer.run(), name="profiles-wanted")
    beside = [
        asyncio.create_task(_probe(context, refresher), name="n8n-probe"),
    ]
    stopping = asyncio.create_task(context.stop.wait())
    try:
        await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            await consumer.stop()
        await reading
    finally:
        await cancel(*beside, stopping)
        if n8n:
            await n8n.aclose()


async def _probe(context: ServiceContext[ConfigSettings], refresher: Refresher) -> None:
    """Has the default profile at hand from the start, and notices when N8N is back."""
    agent_id: str | None = DEFAULT_ID
    while True:
        try:
            if agent_id is not None:
                await refresher.fulfil(agent_id)
        except (RedisError, OSError) as error:
            logger.debug("profile {}: {}", agent_id, type(error).__name__)
        await asyncio.sleep(PROBE_EVERY_S)
        agent_id = refresher.failing if "n8n" in context.health.reasons else None
