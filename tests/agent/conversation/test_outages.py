"""A Redis that is away in the middle of a call: nothing that was said is lost in silence."""

import asyncio
from pathlib import Path

import pytest
from livekit.agents import llm

from services.sandbox.llm import LlmStandIn
from shared.calls.log import CallNotice
from shared.errors import NotFound
from shared.leads.spool import Spool
from shared.locales.registry import LANGUAGES
from shared.redis.client import connect
from tests.agent.calls import settings, text_call, texts
from tests.valkey import Valkey

FALLBACK = LANGUAGES["hi-IN"].fallback


async def test_saving_waits_for_a_redis_that_comes_back(
    own_valkey: Valkey, stand_in: tuple[LlmStandIn, str]
) -> None:
    """Redis restarts in a second; the caller's number must survive it."""
    redis = connect(own_valkey.url, retries=0)
    config = settings(own_valkey.url, llm_base_url=stand_in[1], tool_patience=6)
    async with text_call(redis, config) as call:
        own_valkey.kill()
        turn = asyncio.create_task(call.say("मेरा नाम राहुल शर्मा है"))
        await asyncio.sleep(0.3)  # the turn would be over in less: the only way to see it wait
        assert not turn.done()
        await asyncio.to_thread(own_valkey.start)
        await asyncio.wait_for(turn, 10)
        lead = await call.lead()
        turns = await call.turns()
    assert lead.values["name"] == "राहुल शर्मा"
    assert texts(turns, "caller") == ["मेरा नाम राहुल शर्मा है"]
    await redis.aclose()


async def test_what_is_said_while_redis_is_away_is_kept_on_the_disk(
    own_valkey: Valkey, stand_in: tuple[LlmStandIn, str], tmp_path: Path
) -> None:
    """The caller goes on without noticing, and the lead is whole when Redis is back."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    config = settings(own_valkey.url, llm_base_url=stand_in[1], tool_patience=0.3)
    spool = Spool(tmp_path)
    async with text_call(redis, config, spool=spool) as call:
        own_valkey.kill()
        await call.say("मेरा नाम राहुल शर्मा है")
        assert await spool.count() == 1
        await asyncio.to_thread(own_valkey.start)
        await call.say("मेरा नंबर 9876543210 है")
        lead, said = await call.lead(), texts(await call.turns())
    assert lead.values == {"name": "राहुल शर्मा", "phone": "+919876543210"}
    assert await spool.count() == 0
    assert FALLBACK not in said
    spool.close()
    await redis.aclose()


async def test_nothing_is_said_to_be_saved_that_is_not(
    own_valkey: Valkey, stand_in: tuple[LlmStandIn, str]
) -> None:
    """When Redis stays away the model learns it, and asks the caller again."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    config = settings(own_valkey.url, llm_base_url=stand_in[1], tool_patience=0.5)
    async with text_call(redis, config) as call:
        own_valkey.kill()
        await call.say("मेरा नाम राहुल शर्मा है")
        results = [
            item.output
            for item in call.conversation.session.history.items
            if isinstance(item, llm.FunctionCallOutput)
        ]
        assert results
        assert results[0].startswith("not saved")
        await asyncio.to_thread(own_valkey.start)
        with pytest.raises(NotFound):
            await call.lead()
        codes = [entry.code for entry in await call.entries() if isinstance(entry, CallNotice)]
    assert "not_saved" in codes
    await redis.aclose()
