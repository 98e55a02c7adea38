"""Opening a call: the one way, whoever calls and however.

A browser asks for it by POST /api/token; a telephone's call is opened in the same way, with the
room and the identity that LiveKit's SIP service has given it.
"""

from dataclasses import dataclass

from loguru import logger

from services.gateway import metrics
from services.gateway.dependencies import Gateway
from services.gateway.ids import require_agent_id
from shared.calls import CallSettings
from shared.calls.log import CallNotice
from shared.errors import Invalid
from shared.ids import uuid7
from shared.locales.registry import is_language
from shared.profiles import Snapshot
from shared.voices import resolve


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What is wanted of a call; None is the profile's choice, or ours.

    `caller` is a telephone number, `identity` the caller's in the LiveKit room. A request that
    cannot be met cannot be made: raises NotFound for the agent and Invalid for the language.
    """

    agent_id: str
    language: str | None = None
    voice: str | None = None
    user_name: str = ""
    channel: str = "web"
    caller: str | None = None
    room: str | None = None
    identity: str | None = None

    def __post_init__(self) -> None:
        if self.language is not None and not is_language(self.language):
            raise Invalid(
                f"no language {self.language!r}: GET /api/languages lists them",
                code="unknown_language",
                field="language",
            )
        require_agent_id(self.agent_id, field="agentId")


async def open_call(gateway: Gateway, request: CallRequest) -> CallSettings:
    """Opens a call with all its choices made; its log says which of them could not be kept.

    Raises what reading the profile raises, and refuses a room that has a call already.
    """
    snapshot = await gateway.profiles.get(request.agent_id)
    voice, warning = _voice(gateway, request, snapshot)
    call_id = uuid7()
    call = CallSettings(
        id=call_id,
        lead_id=uuid7(),
        room=request.room or f"call-{uuid7()}",
        agent_id=request.agent_id,
        language=request.language or snapshot.profile.language or gateway.settings.default_language,
        voice=voice,
        user_name=request.user_name.strip(),
        channel=request.channel,
        caller=request.caller,
        caller_identity=request.identity or f"caller-{call_id[-12:]}",
        profile=snapshot.profile,
        profile_version=snapshot.version,
    )
    await gateway.calls.open(call)
    metrics.OPENED.labels(language=call.language).inc()
    if warning:
        logger.warning("call {}: {}", call.id, warning)
        notice = CallNotice(level="info", code="voice_replaced", text=warning)
        await gateway.call_log.append(call.id, notice)
    return call


def _voice(gateway: Gateway, request: CallRequest, snapshot: Snapshot) -> tuple[str, str | None]:
    """The voice, and a warning when the one that was wanted does not exist."""
    settings, profile = gateway.settings, snapshot.profile
    return resolve(
        request.voice or profile.voice,
        settings.sarvam_tts_model,
        default=profile.voice or settings.default_voice,
    )
