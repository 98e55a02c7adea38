"""POST /api/webhooks/n8n/profile-changed: N8N says that a profile is new."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Request
from loguru import logger

from services.gateway.auth import bearer, equal_secrets
from services.gateway.dependencies import GatewayDep
from services.gateway.ids import require_agent_id
from services.gateway.webhooks.idempotency import idempotent
from services.gateway.webhooks.schemas import ProfileChanged, ProfileChangedAnswer
from shared.clock import DAY_S
from shared.errors import Unauthorized
from shared.ids import uuid7
from shared.redis import keys

router = APIRouter(tags=["webhooks"])

REMEMBER_S = DAY_S  # N8N's retries come within minutes


@router.post("/api/webhooks/n8n/profile-changed")
async def profile_changed(
    body: ProfileChanged,
    request: Request,
    gateway: GatewayDep,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> ProfileChangedAnswer:
    """The profile is fetched at once. Needs N8N_INBOUND_TOKEN."""
    expected = gateway.settings.n8n_inbound_token
    if expected is None or not equal_secrets(bearer(request.headers), expected.get_secret_value()):
        raise Unauthorized("this needs the header Authorization: Bearer N8N_INBOUND_TOKEN")
    require_agent_id(body.agent_id)
    digest = hashlib.sha256((idempotency_key or uuid7()).encode()).hexdigest()
    async with idempotent(gateway.redis, keys.seen("n8n", digest), remember_s=REMEMBER_S) as first:
        if first:
            logger.info("profile {} changed, says N8N", body.agent_id)
            await gateway.profiles.invalidate(body.agent_id)
    return ProfileChangedAnswer(agent_id=body.agent_id, duplicate=not first)
