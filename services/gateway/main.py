"""Starting and stopping the gateway."""

import asyncio
import signal

import uvicorn
from loguru import logger

from services.gateway.app import create_app
from services.gateway.lifespan import NAME
from services.gateway.settings import GatewaySettings
from shared.errors import SettingsError
from shared.redis.client import connect, wait_for
from shared.runtime import log
from shared.runtime.health import Health
from shared.runtime.health_server import Embedded, bind
from shared.runtime.service import note_persistence, replica_name
from shared.runtime.settings import load, refuse
from shared.runtime.tasks import cancel

# Seconds for answers under way; event streams let go within one.
GRACE_S = 3
# Longer than clients and proxies keep an idle connection (aiohttp 15 s, nginx and Traefik 60): else
# we close one just as they send on it.
KEEP_ALIVE_S = 75


def main() -> None:
    """Runs until SIGTERM or SIGINT. Exits 2 for a setting, with one line that names it."""
    settings = load(GatewaySettings)
    log.setup(NAME, level=settings.log_level, format_=settings.log_format)
    try:
        asyncio.run(serve(settings))
    except SettingsError as error:
        refuse(error.message)


async def serve(settings: GatewaySettings) -> None:
    """Serves the API at BIND_ADDRESS:WEB_PORT. Raises SettingsError for a port that is taken."""
    listener = bind(settings.bind_address, settings.web_port, "WEB_PORT")
    health = Health(NAME, replica_name())
    app = create_app(settings, health)
    server = Embedded(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies or None,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
    )

    def stop() -> None:
        server.should_exit = True
        gateway = getattr(app.state, "gateway", None)
        if gateway is not None:
            gateway.stopping.set()

    def stop_if_failed(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():
            stop()

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop)
    watching = asyncio.create_task(_watch_redis(settings, health), name="redis-at-start")
    watching.add_done_callback(stop_if_failed)
    logger.info("listening on {}:{}", *listener.getsockname()[:2])
    try:
        await server.serve(sockets=[listener])
    finally:
        listener.close()
        await cancel(watching)
    logger.info("stopped")


async def _watch_redis(settings: GatewaySettings, health: Health) -> None:
    """Says what is wrong with Redis: away, too old, or forgetful."""
    await wait_for(settings.redis_url)
    redis = connect(settings.redis_url)
    try:
        await note_persistence(redis, health)
    finally:
        await redis.aclose()
