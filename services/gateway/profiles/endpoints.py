"""Agent profiles, languages and voices; the word from N8N that a profile changed."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from loguru import logger

from services.gateway.auth import bearer, same
from services.gateway.calls.schemas import (
    InvalidateAnswer,
    LanguageOption,
    LanguagesAnswer,
    ProfileChanged,
    ProfileChangedAnswer,
    VoiceOption,
)
from services.gateway.dependencies import OPERATOR, GatewayDep
from services.gateway.webhooks.idempotency import once
from shared.errors import NotFound, Unauthorized
from shared.ids import uuid7
from shared.locales.registry import LANGUAGES
from shared.profiles import Profile
from shared.profiles.model import is_agent_id
from shared.redis import keys
from shared.voices import voices_of

router = APIRouter(tags=["profiles"])

SEEN_S = 86_400  # N8N's retries come within minutes


@router.get("/api/config/{agent_id}", dependencies=[OPERATOR])
async def config(agent_id: str, gateway: GatewayDep) -> Profile:
    """The profile of an agent, its questions as N8N gave them. Private."""
    _require_agent_id(agent_id)
    return (await gateway.profiles.get(agent_id)).profile


@router.post("/api/invalidate-cache")
async def invalidate(
    gateway: GatewayDep, agent_id: Annotated[str | None, Query(max_length=64)] = None
) -> InvalidateAnswer:
    """Has a profile (all known ones when none is named) fetched anew, and waits for it."""
    if agent_id:
        _require_agent_id(agent_id)
    await gateway.profiles.invalidate(agent_id or None)
    return InvalidateAnswer(agent_id=agent_id or "all")


@router.get("/api/languages")
async def languages(gateway: GatewayDep) -> LanguagesAnswer:
    """The languages of a call, and the voices of the speech model in use."""
    voices = voices_of(gateway.settings.sarvam_tts_model).values()
    return LanguagesAnswer(
        languages=[LanguageOption(code=each.code, name=each.name) for each in LANGUAGES.values()],
        voices=[VoiceOption(id=voice.id, name=voice.name) for voice in voices],
    )


@router.post("/api/webhooks/n8n/profile-changed")
async def profile_changed(
    body: ProfileChanged,
    request: Request,
    gateway: GatewayDep,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> ProfileChangedAnswer:
    """N8N says that a profile is new: it is fetched at once. Needs N8N_INBOUND_TOKEN."""
    expected = gateway.settings.n8n_inbound_token
    if expected is None or not same(bearer(request.headers), expected.get_secret_value()):
        raise Unauthorized("this needs the header Authorization: Bearer N8N_INBOUND_TOKEN")
    _require_agent_id(body.agent_id)
    digest = hashlib.sha256((idempotency_key or uuid7()).encode()).hexdigest()
    async with once(gateway.redis, keys.seen("n8n", digest), seconds=SEEN_S) as first:
        if first:
            logger.info("profile {} changed, says N8N", body.agent_id)
            await gateway.profiles.invalidate(body.agent_id)
    return ProfileChangedAnswer(agent_id=body.agent_id, duplicate=not first)


def _require_agent_id(agent_id: str) -> None:
    if not is_agent_id(agent_id):
        raise NotFound(f"no agent {agent_id!r}", code="unknown_agent", field="agent_id")
