"""`python -m services.sandbox.livekit`: the development LiveKit server alone, in the foreground."""

import asyncio
import secrets
import sys

from loguru import logger
from pydantic import Field, SecretStr

from services.sandbox.livekit.server import DevServer
from services.sandbox.ports import LIVEKIT_PORT
from services.sandbox.serve import stop_at_signal
from shared.runtime import log
from shared.runtime.settings import EXIT_SETTINGS, Key, LogSettings, load

_KEY = "devkey"
_SHORT = 32  # characters; LiveKit's libraries warn of shorter secrets at every token


class LiveKitServerSettings(LogSettings):
    """What the development server takes from the environment."""

    sandbox_livekit_port: int = Field(
        LIVEKIT_PORT,
        ge=1,
        le=65535,
        description="port of the development LiveKit server, on 127.0.0.1",
    )
    sandbox_livekit_webhook_urls: str | None = Field(
        None, description="where it posts its webhooks, comma-separated; nowhere unless set"
    )
    livekit_api_key: Key | None = Field(
        None, description="key by which tokens name their secret; devkey unless set"
    )
    livekit_api_secret: SecretStr | None = Field(
        None, description="secret that tokens are signed with; made up and printed unless set"
    )

    @property
    def webhook_urls(self) -> list[str]:
        urls = (self.sandbox_livekit_webhook_urls or "").split(",")
        return [url.strip() for url in urls if url.strip()]


async def _serve(server: DevServer) -> int:
    """Until SIGINT or SIGTERM."""
    stop = stop_at_signal()
    try:
        await server.start()
    except OSError as error:
        wrong = f"found {server.port}, expected a free port ({error.strerror})"
        sys.stderr.write(f"SANDBOX_LIVEKIT_PORT: {wrong}\n")
        return EXIT_SETTINGS
    await stop.wait()
    await server.stop()
    return 0


def main() -> int:
    settings = load(LiveKitServerSettings)
    log.setup("livekit", level=settings.log_level, format_=settings.log_format)
    key = settings.livekit_api_key or _KEY
    given = settings.livekit_api_secret
    secret = given.get_secret_value() if given is not None else secrets.token_urlsafe(_SHORT)
    if len(secret) < _SHORT:
        logger.warning("LIVEKIT_API_SECRET is short: give it 32 characters or more")
    server = DevServer(
        key, secret, port=settings.sandbox_livekit_port, webhook_urls=settings.webhook_urls
    )
    sys.stdout.write(f"LIVEKIT_URL={server.url}\nLIVEKIT_API_KEY={key}\n")
    if given is None:
        sys.stdout.write(f"LIVEKIT_API_SECRET={secret}\n")
    sys.stdout.flush()
    return asyncio.run(_serve(server))


if __name__ == "__main__":
    sys.exit(main())
