"""A scripted language model for the conversations of this folder."""

from collections.abc import AsyncIterator

import pytest

from services.agent.settings import AgentSettings
from services.sandbox.llm import LlmStandIn
from tests.agent.calls import scripted_llm, settings


@pytest.fixture
async def stand_in() -> AsyncIterator[tuple[LlmStandIn, str]]:
    async with scripted_llm() as running:
        yield running


@pytest.fixture
def model(stand_in: tuple[LlmStandIn, str]) -> LlmStandIn:
    return stand_in[0]


@pytest.fixture
def config(redis_url: str, stand_in: tuple[LlmStandIn, str]) -> AgentSettings:
    return settings(redis_url, llm_base_url=stand_in[1], llm_first_token_timeout=0.3)
