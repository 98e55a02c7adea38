"""POST /api/token: opens a call."""

from typing import Any

from fastapi import APIRouter, Request, Response
from loguru import logger

from services.gateway import metrics
from services.gateway.auth import COOKIE, COOKIE_AGE_S
from services.gateway.calls.schemas import TokenAnswer, TokenRequest
from services.gateway.dependencies import Gateway, GatewayDep
from services.gateway.errors import ErrorAnswer
from shared.calls import CallSettings
from shared.calls.log import CallNotice
from shared.errors import Invalid, NotFound
from shared.ids import uuid7
from shared.locales.registry import is_language
from shared.profiles import Profile, Snapshot
from shared.profiles.model import is_agent_id
from shared.voices import resolve

router = APIRouter(tags=["calls"])

REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorAnswer} for code in (404, 413, 422, 429, 503)
}


@router.post("/api/token", responses=REFUSALS)
async def token(
    body: TokenRequest, request: Request, response: Response, gateway: GatewayDep
) -> TokenAnswer:
    """Opens a call and answers a token for its room.

    It also sets a cookie that lets this browser, and no other, read the call's events.
    """
    language = _language(body.language)
    if not is_agent_id(body.agentId):
        raise NotFound(f"no agent {body.agentId!r}", code="unknown_agent", field="agentId")
    await gateway.token_limit.take(request.client.host if request.client else "")
    snapshot = await gateway.profiles.get(body.agentId)
    new, warning = _new_call(body, language, snapshot, gateway)
    jwt = gateway.tokens.for_caller(
        call_id=new.id, room=new.room, identity=caller_identity(new.id), name=new.user_name
    )
    await gateway.calls.open(new)
    if warning:
        logger.warning("call {}: {}", new.id, warning)
        await gateway.call_log.append(
            new.id, CallNotice(level="info", code="voice_replaced", text=warning)
        )
    metrics.TOKENS.labels(language=new.language).inc()
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        COOKIE,
        gateway.auth.cookie(new.id),
        max_age=COOKIE_AGE_S,
        path=f"/api/calls/{new.id}",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return TokenAnswer(
        token=jwt,
        roomName=new.room,
        livekitUrl=gateway.settings.browser_livekit_url,
        agentId=new.agent_id,
        callId=new.id,
    )


def _language(wanted: str | None) -> str | None:
    if wanted is not None and not is_language(wanted):
        raise Invalid(
            f"no language {wanted!r}: GET /api/languages lists them",
            code="unknown_language",
            field="language",
        )
    return wanted


def caller_identity(call_id: str) -> str:
    """What the caller is called in the call's room."""
    return f"caller-{call_id[-12:]}"


def _new_call(
    body: TokenRequest, language: str | None, snapshot: Snapshot, gateway: Gateway
) -> tuple[CallSettings, str | None]:
    """The call with its choices made: the request's, else the profile's, else the default's.

    The second value is a warning about a voice that does not exist.
    """
    profile: Profile = snapshot.profile
    settings = gateway.settings
    call_id = uuid7()
    voice, warning = resolve(
        body.voice or profile.voice,
        settings.sarvam_tts_model,
        default=profile.voice or settings.default_voice,
    )
    new = CallSettings(
        id=call_id,
        lead_id=uuid7(),
        room=f"call-{uuid7()}",
        agent_id=body.agentId,
        language=language or profile.language or settings.default_language,
        voice=voice,
        user_name=body.userName.strip(),
        caller_identity=caller_identity(call_id),
        profile=profile,
        profile_version=snapshot.version,
    )
    return new, warning
