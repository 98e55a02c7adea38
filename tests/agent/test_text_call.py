"""A whole call in text: session, scripted LLM, tools, lead and log, without rooms and speech."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.agent.settings import AgentSettings
from shared.call_log import LeadNoted, Tool
from tests.agent.calls import scripted_llm, settings, text_call


@pytest.fixture
async def config(redis_url: str) -> AsyncIterator[AgentSettings]:
    async with scripted_llm() as (_, url):
        yield settings(redis_url, llm_base_url=url)


async def test_a_call_in_hindi_captures_the_whole_lead(
    redis: Redis, config: AgentSettings
) -> None:
    """The product in its thinnest form: what is said arrives as a complete lead."""
    async with text_call(redis, config, language="hi-IN") as call:
        for answer in (
            "मेरा नाम राहुल शर्मा है",
            "मेरा नंबर 98765 43210 है",
            "पचास लाख",
            "पुणे",
            "फ्लैट",
            "तीन महीने में",
            "शनिवार सुबह",
        ):
            await call.say(answer)
        lead = await call.lead()
        turns = await call.turns()
    assert lead.complete
    assert lead.values["phone"] == "+919876543210"
    assert lead.values["name"] == "राहुल शर्मा"
    assert set(lead.values) >= {"budget", "location", "property_type", "timeline", "visit_time"}
    assert turns[0].who == "agent"
    assert turns[0].text.startswith("नमस्ते")
