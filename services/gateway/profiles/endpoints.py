"""Agent profiles, languages and voices."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.gateway.dependencies import OPERATOR, GatewayDep
from services.gateway.ids import AgentId, require_agent_id
from services.gateway.profiles.schemas import (
    InvalidateAnswer,
    LanguageOption,
    LanguagesAnswer,
    VoiceOption,
)
from shared.locales.registry import LANGUAGES
from shared.profiles import Profile
from shared.voices import voices_of

router = APIRouter(tags=["profiles"])


@router.get("/api/config/{agent_id}", dependencies=[OPERATOR])
async def config(agent_id: AgentId, gateway: GatewayDep) -> Profile:
    """The profile of an agent, its questions as N8N gave them. Private."""
    return (await gateway.profiles.get(agent_id)).profile


@router.post("/api/invalidate-cache")
async def invalidate(
    gateway: GatewayDep, agent_id: Annotated[str | None, Query(max_length=64)] = None
) -> InvalidateAnswer:
    """Has a profile (all known ones when none is named) fetched anew, and waits for it."""
    if agent_id:
        require_agent_id(agent_id)
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
