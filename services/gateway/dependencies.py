"""What the routes work with: one object per process, made at start and given to every request."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.gateway.auth import Authorizer
from services.gateway.calls.events import EventStreams
from services.gateway.livekit import LiveKitRooms
from services.gateway.rate_limit import RateLimit
from services.gateway.settings import GatewaySettings
from shared.calls import Calls
from shared.calls.log import CallLog
from shared.deliveries import Deliveries
from shared.leads import Leads
from shared.profiles import ProfileReader
from shared.runtime.service import ServiceContext


class Gateway:
    """What one process has, made from its settings."""

    def __init__(
        self,
        context: ServiceContext[GatewaySettings],
        *,
        livekit: LiveKitRooms,
        profiles: ProfileReader,
    ) -> None:
        settings, redis, source = context.settings, context.redis, context.name
        self.settings = settings
        self.redis = redis
        self.health = context.health
        self.livekit = livekit
        self.profiles = profiles
        self.calls = Calls(
            redis,
            source=source,
            keep_days=settings.keep_days,
            keep_log_days=settings.keep_log_days,
        )
        self.call_log = CallLog(redis, keep_days=settings.keep_log_days)
        self.leads = Leads(redis, source=source, keep_days=settings.keep_days)
        self.deliveries = Deliveries(redis)
        self.events = EventStreams(settings.redis_url, context.stop)
        self.auth = Authorizer(
            api_key=settings.gateway_api_key,
            secret=settings.livekit_api_secret.get_secret_value(),
            on_loopback=settings.on_loopback,
        )
        self.token_limit = RateLimit(redis, kind="tokens", per_minute=settings.tokens_per_minute)

    async def aclose(self) -> None:
        await self.events.aclose()


def _of(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


GatewayDep = Annotated[Gateway, Depends(_of)]


def _operator(request: Request, gateway: GatewayDep) -> None:
    gateway.auth.require_operator(request.headers)


# For the private routes: `dependencies=[OPERATOR]`.
OPERATOR = Depends(_operator)
