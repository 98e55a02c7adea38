"""Language models that fail, in a whole call in text: what the caller hears, and who is told."""

import asyncio

import pytest
from redis.asyncio import Redis

from services.agent.llm import models
from services.agent.provider_status.board import StatusBoard
from services.agent.settings import AgentSettings
from services.sandbox.llm import LlmStandIn
from shared.calls.log import CallNotice
from shared.locales.registry import LANGUAGES
from tests.agent.calls import settings, text_call, texts

FALLBACK = LANGUAGES["hi-IN"].fallback


@pytest.mark.parametrize("kind", ["429", "500", "slow", "drop", "failed_generation"])
async def test_a_failing_model_is_excused_and_the_call_goes_on(
    redis: Redis, config: AgentSettings, model: LlmStandIn, kind: str
) -> None:
    """Silence makes people hang up. The next turn is answered as if nothing had been."""
    async with text_call(redis, config) as call:
        model.set_faults([{"kind": kind, "count": 2, "ms": 5000}])
        async with asyncio.timeout(8):
            await call.say("मेरा नाम राहुल शर्मा है")
        assert texts(await call.turns())[-1].endswith(FALLBACK)
        model.set_faults([])
        await call.say("मेरा नाम राहुल शर्मा है")
        lead = await call.lead()
        notices = [entry for entry in await call.entries() if isinstance(entry, CallNotice)]
    assert [notice.code for notice in notices] == ["llm_trouble", "llm_well"]
    assert lead.values["name"] == "राहुल शर्मा"


async def test_one_failure_is_not_heard(
    redis: Redis, config: AgentSettings, model: LlmStandIn
) -> None:
    """A model that fails once is asked again within the turn."""
    async with text_call(redis, config) as call:
        model.set_faults([{"kind": "500", "count": 1}])
        await call.say("मेरा नाम राहुल शर्मा है")
        lead, said = await call.lead(), texts(await call.turns())
    assert lead.values["name"] == "राहुल शर्मा"
    assert FALLBACK not in said


async def test_broken_tool_arguments_do_not_end_in_silence(
    redis: Redis, config: AgentSettings, model: LlmStandIn
) -> None:
    """Models at times write JSON that is none: they are told, and try again."""
    async with text_call(redis, config) as call:
        greeting = len(texts(await call.turns()))
        model.set_faults([{"kind": "bad_arguments", "count": 1}])
        await call.say("मेरा नाम राहुल शर्मा है")
        said = texts(await call.turns())[greeting:]
        await call.say("मेरा नाम राहुल शर्मा है")
        lead = await call.lead()
    assert "नाम" in said[-1]
    assert lead.values["name"] == "राहुल शर्मा"


async def test_another_model_steps_in(
    redis: Redis, redis_url: str, stand_in: tuple[LlmStandIn, str]
) -> None:
    """With LLM_FALLBACK_MODEL a model that is switched off costs nobody anything."""
    config = settings(
        redis_url,
        llm_base_url=stand_in[1],
        llm_model="unknown-model",
        llm_fallback_model="scripted",
    )
    async with text_call(redis, config) as call:
        await call.say("मेरा नाम राहुल शर्मा है")
        lead = await call.lead()
        notices = [entry for entry in await call.entries() if isinstance(entry, CallNotice)]
    assert lead.values["name"] == "राहुल शर्मा"
    assert [notice.code for notice in notices] == ["llm_refused"]
    assert "unknown-model" in notices[0].text


async def test_a_refused_key_is_named_on_the_page_and_on_the_board(
    redis: Redis, redis_url: str, stand_in: tuple[LlmStandIn, str]
) -> None:
    """Whoever runs it must not have to guess why the agent only apologises."""
    config = settings(redis_url, llm_base_url=stand_in[1], openai_api_key="invalid-key")
    async with text_call(redis, config) as call:
        await call.say("मेरा नाम राहुल शर्मा है")
        said = texts(await call.turns())
        notices = [entry for entry in await call.entries() if isinstance(entry, CallNotice)]
    board = await StatusBoard(redis).read()
    assert said[-1] == FALLBACK
    assert [notice.code for notice in notices] == ["llm_refused"]
    assert "the key" in board["llm"]
    assert "invalid-key" not in notices[0].text + board["llm"]


def test_every_provider_gets_its_own_client(redis_url: str) -> None:
    """Groq by default with its successor model, OpenAI beside it when both keys are set."""
    config = settings(
        redis_url,
        llm_provider=None,
        llm_model=None,
        groq_api_key="groq",
        openai_api_key="openai",
    )
    built = [
        (model.name, model.client.provider)
        for model in models.build(config.model_choices(), config.model_options())
    ]
    assert built == [
        ("openai/gpt-oss-120b", "api.groq.com"),
        ("gpt-4o-mini", "api.openai.com"),
    ]
