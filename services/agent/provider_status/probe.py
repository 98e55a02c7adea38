"""Asking the outside, before a caller has to find out: are the keys and the models accepted?"""

import asyncio
from collections.abc import Mapping
from functools import partial

import aiohttp
from livekit import api

from services.agent.provider_status.board import StatusBoard, Upstream
from services.agent.settings import AgentSettings
from services.agent.speech.stt import protocol
from shared.clock import set_within
from shared.redis.outage import retry_until_available

TIMEOUT = aiohttp.ClientTimeout(total=5.0)
EVERY_S = 300.0  # seconds between two looks when all is well
SOON_S = 30.0  # seconds while something is refused


class Probe:
    """Looks at the providers again and again and keeps the board true. Runs until told to stop."""

    def __init__(self, settings: AgentSettings, board: StatusBoard) -> None:
        self._settings = settings
        self._board = board

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            refusals = await self._look()
            # Tries until Redis takes it: another look would ask the providers again.
            await retry_until_available(
                "provider status", partial(self._tell, refusals), until=stop
            )
            await set_within(stop, SOON_S if any(refusals.values()) else EVERY_S)

    async def _look(self) -> dict[Upstream, str | None]:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            return {
                "llm": await llm_refusal(self._settings, session),
                "sarvam_stt": await sarvam_refusal(self._settings, session),
            }

    async def _tell(self, refusals: Mapping[Upstream, str | None]) -> None:
        for upstream, reason in refusals.items():
            if reason:
                await self._board.set(upstream, reason)
            else:
                await self._board.clear(upstream)


async def llm_refusal(settings: AgentSettings, session: aiohttp.ClientSession) -> str | None:
    """What the language model's provider refuses; None when it accepts key and model."""
    choice = settings.model_choices()[0]
    base, model = choice.base_url, choice.model
    headers = {"Authorization": f"Bearer {choice.key.get_secret_value()}"}
    try:
        async with session.get(f"{base}/models", headers=headers) as answer:
            if answer.status in (401, 403):
                name = choice.provider.key_variable
                return f"the language model's provider refuses {name} (status {answer.status})"
            if answer.status != 200:
                return f"the language model's provider answers with status {answer.status}"
            listed = await answer.json(content_type=None)
            if model in _ids(listed):
                return None
        # A listing need not be whole: only the model's own address says that there is none.
        async with session.get(f"{base}/models/{model}", headers=headers) as answer:
            missing = answer.status == 404
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"the language model's provider does not answer ({type(error).__name__})"
    return f"LLM_MODEL: the provider has no model {model!r}" if missing else None


def _ids(listed: object) -> set[object]:
    entries = listed.get("data") if isinstance(listed, dict) else None
    return {entry.get("id") for entry in entries or () if isinstance(entry, dict)}


async def sarvam_refusal(settings: AgentSettings, session: aiohttp.ClientSession) -> str | None:
    """What Sarvam refuses; None when a speech-to-text session begins."""
    url = protocol.url(
        settings.sarvam_base_url,
        model=settings.sarvam_stt_model,
        language=settings.default_language,
        stream_type=settings.stt_stream_type,
    )
    headers = protocol.headers(settings.sarvam_api_key)
    try:
        async with session.ws_connect(url, headers=headers) as socket:
            message = await socket.receive(timeout=5.0)
    except aiohttp.WSServerHandshakeError as error:
        return _refused(error.status)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return f"Sarvam does not answer ({type(error).__name__})"
    if message.type is aiohttp.WSMsgType.TEXT:
        said = protocol.parse(message.data)
        if said.get("event") == "error":
            status = said.get("status_code")
            return _refused(status if isinstance(status, int) else 0)
        return None
    return _refused(socket.close_code or 0)


async def livekit_refusal(settings: AgentSettings) -> str:
    """Why the worker cannot register: a refused key, or a LiveKit that is not there."""
    secret = settings.livekit_api_secret.get_secret_value()
    try:
        async with api.LiveKitAPI(
            settings.livekit_url, settings.livekit_api_key, secret, timeout=TIMEOUT
        ) as server:
            await server.room.list_rooms(api.ListRoomsRequest())
    except api.TwirpError as error:
        if error.status in (401, 403):
            return "LiveKit refuses LIVEKIT_API_KEY or LIVEKIT_API_SECRET"
        return f"LiveKit answers with status {error.status}"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return f"LIVEKIT_URL does not answer ({type(error).__name__})"
    return "the worker is not registered with LiveKit"


def _refused(code: int) -> str:
    what = protocol.REFUSED_PART.get(code, "the session")
    return f"Sarvam refuses {what} for speech-to-text (SARVAM_API_KEY, SARVAM_STT_MODEL; {code})"
