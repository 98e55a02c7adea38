"""Starting and stopping the gateway."""

from loguru import logger

from services.gateway.app import create_app
from services.gateway.lifespan import open_gateway
from services.gateway.settings import GatewaySettings
from shared.runtime.http_server import bind, serve as serve_http
from shared.runtime.service import ServiceContext, run

NAME = "gateway"
# Seconds for answers under way; event streams let go within one.
GRACE_S = 3
# Longer than clients and proxies keep an idle connection (aiohttp 15 s, nginx and Traefik 60): else
# we close one just as they send on it.
KEEP_ALIVE_S = 75


def main() -> None:
    """Runs until SIGTERM or SIGINT. Exits 2 for a setting, with one line that names it."""
    run(NAME, GatewaySettings, serve, own_http=True)


async def serve(context: ServiceContext[GatewaySettings]) -> None:
    """Serves the API at BIND_ADDRESS:WEB_PORT. Raises SettingsError for a port that is taken."""
    settings = context.settings
    listener = bind(settings.bind_address, settings.web_port, "WEB_PORT")
    logger.info("listening on {}:{}", *listener.getsockname()[:2])
    await serve_http(
        create_app(await open_gateway(context)),
        listener,
        context.stop,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
