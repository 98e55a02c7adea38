"""What the routes work with: one object per process, made at start and given to every request."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from redis.asyncio import Redis

from services.gateway.auth import Access
from services.gateway.calls.token import Tokens
from services.gateway.livekit import LiveKitRooms
from services.gateway.rate_limit import Limits
from services.gateway.settings import GatewaySettings
from shared.bus.publish import Bus
from shared.calls import Calls
from shared.calls.log import CallLog
from shared.deliveries import Deliveries
from shared.leads import Leads
from shared.profiles import ProfileReader
from shared.runtime.health import Health


@dataclass
class Gateway:
    """What one process has.

    `follower` reads call logs for the event streams, on connections of its own: each stream holds
    one while it waits. `streams` counts them, `stopping` is set when the server must let them go.
    """

    settings: GatewaySettings
    redis: Redis
    livekit: LiveKitRooms
    health: Health
    bus: Bus
    profiles: ProfileReader
    calls: Calls
    call_log: CallLog
    follower: CallLog
    leads: Leads
    deliveries: Deliveries
    access: Access
    limits: Limits
    tokens: Tokens
    streams: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def _of(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


GatewayDep = Annotated[Gateway, Depends(_of)]


def _operator(request: Request, gateway: GatewayDep) -> None:
    gateway.access.require_operator(request.headers)


# For the private routes: `dependencies=[OPERATOR]`.
OPERATOR = Depends(_operator)
