"""The config service: owns agent profiles, from N8N or from files, and keeps them in Redis."""

from functools import partial

from loguru import logger

from services.config.n8n import N8nProfiles
from services.config.refresh import Refresher
from services.config.settings import ConfigSettings
from shared.bus import Consumer, Policy
from shared.events import ProfileWanted
from shared.runtime.service import ServiceContext, run
from shared.runtime.settings import redact

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
    return N8nProfiles(
        settings.n8n_base_url + settings.n8n_webhook_agent_config,
        timeout=settings.config_timeout * SHARE_OF_TIMEOUT,
        auth=settings.n8n_auth,
    )


def main() -> None:
    run("config", ConfigSettings, serve)


async def serve(context: ServiceContext[ConfigSettings]) -> None:
    """Fulfils wishes for profiles until it is asked to stop."""
    settings = context.settings
    n8n = n8n_of(settings)
    if n8n is not None:
        context.resources.push_async_callback(n8n.aclose)
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
        policy=Policy(concurrency=CONCURRENCY),
        health=context.health,
        on_outage=partial(context.health.set_failing, "redis"),
    )
    context.background.run("wishes for profiles", consumer.run, critical=True)
    context.background.every("N8N probe", PROBE_EVERY_S, refresher.probe)
    await context.stop.wait()
