"""What tests of the agent share: settings, a call in Redis, a conversation in text."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp.test_utils import TestServer
from livekit.agents.voice.run_result import RunResult
from redis.asyncio import Redis

from services.agent.call.log_writer import CallLogWriter
from services.agent.conversation.conversation import Conversation
from services.agent.conversation.history import Earlier
from services.agent.lead.recorder import LeadRecorder
from services.agent.lead.sink import open_sink
from services.agent.llm import models
from services.agent.llm.models import ChatModel
from services.agent.provider_status.board import StatusBoard
from services.agent.provider_status.status import ProviderStatus
from services.agent.settings import AgentSettings
from services.sandbox.llm import LlmStandIn
from shared.calls import Call, Calls, CallSettings, HeldCall
from shared.calls.log import CallLog, LogEntry, Turn
from shared.ids import uuid7
from shared.leads import Lead, Leads
from shared.leads.spool import Spool
from shared.profiles.builtin import default_profile
from shared.profiles.model import Profile, version
from shared.runtime.background import Background


def settings(redis_url: str = "redis://127.0.0.1:1/0", **more: Any) -> AgentSettings:
    """Settings as a test wants them, whatever the environment says."""
    given: dict[str, Any] = {
        "redis_url": redis_url,
        "livekit_url": "ws://127.0.0.1:1",
        "livekit_api_key": "devkey",
        "livekit_api_secret": "a-secret-of-thirty-two-characters-0",
        "sarvam_api_key": "sandbox",
        "openai_api_key": "sandbox",
        "llm_provider": "openai",
        "llm_model": "scripted",
        **more,
    }
    return AgentSettings(_env_file=None, **given)


async def open_call(
    redis: Redis, *, language: str = "hi-IN", profile: Profile | None = None, **more: Any
) -> Call:
    """A call as the gateway opens it."""
    profile = profile or default_profile()
    calls = Calls(redis, source="gateway")
    call_id = uuid7()
    await calls.open(
        CallSettings(
            id=call_id,
            lead_id=uuid7(),
            room=f"room-{call_id}",
            agent_id=profile.id,
            language=language,
            voice="priya",
            caller_identity="caller",
            profile=profile,
            profile_version=version(profile),
            **more,
        )
    )
    return await calls.get(call_id)


@asynccontextmanager
async def scripted_llm() -> AsyncIterator[tuple[LlmStandIn, str]]:
    """The scripted LLM without delays, and its base URL."""
    stand_in = LlmStandIn()
    stand_in.update_settings({"SANDBOX_LLM_MS": 0, "SANDBOX_LLM_TPS": 100_000})
    async with TestServer(stand_in.app(), host="127.0.0.1") as server:
        yield stand_in, str(server.make_url("/v1"))


@dataclass
class TextCall:
    """A call without a room: what is typed is answered."""

    redis: Redis
    call: Call
    held: HeldCall
    conversation: Conversation
    log: CallLogWriter

    async def say(self, text: str) -> list[Any]:
        """One turn of the caller; answers what happened, in order."""
        result: RunResult[None] = self.conversation.session.run(user_input=text)
        await asyncio.wait_for(result, 20)
        return list(result.events)

    async def type(self, text: str) -> None:
        """One typed turn, until it is answered."""
        handle = await self.conversation.typed.take(text)
        assert handle is not None
        await asyncio.wait_for(handle.wait_for_playout(), 20)

    async def entries(self) -> list[LogEntry]:
        await self.log.drain(2)
        return [each.entry for each in await CallLog(self.redis).read(self.call.id)]

    async def turns(self) -> list[Turn]:
        return [entry for entry in await self.entries() if isinstance(entry, Turn)]

    async def lead(self) -> Lead:
        return await Leads(self.redis, source="test").get(self.call.lead_id)


@asynccontextmanager
async def text_call(
    redis: Redis,
    config: AgentSettings,
    *,
    language: str = "hi-IN",
    profile: Profile | None = None,
    earlier: Earlier | None = None,
    replies: Sequence[ChatModel] | None = None,
    spool: Spool | None = None,
) -> AsyncIterator[TextCall]:
    call = await open_call(redis, language=language, profile=profile)
    held = await Calls(redis, source="agent").take(call.id, "test")
    localised = call.profile.localised(call.language, config.default_language)
    log = CallLogWriter(CallLog(redis), held)
    sink = open_sink(Leads(redis, source="agent"), spool, patience=config.tool_patience)
    answering = (
        replies
        if replies is not None
        else models.build(config.model_choices(), config.model_options())
    )
    async with Background() as loops:
        loops.run("call log", log.run)
        conversation = Conversation(
            config,
            call,
            recorder=LeadRecorder(sink, call, held, localised, log.write),
            status=ProviderStatus(StatusBoard(redis), log.write),
            log=log.write,
            models=answering,
            earlier=earlier,
        )
        try:
            await conversation.session.start(conversation.agent, session_host=False, record=False)
            await asyncio.wait_for(conversation.session.wait_for_idle(), 10)
            yield TextCall(redis, call, held, conversation, log)
        finally:
            await conversation.aclose()
    await models.close(answering)


def texts(turns: list[Turn], who: str = "agent") -> list[str]:
    """What one side said, turn by turn."""
    return [turn.text for turn in turns if turn.who == who]
