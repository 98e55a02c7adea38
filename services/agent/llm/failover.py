"""The language models of a call: the one that answers, and the one that steps in.

A caller must not wait in silence. Each model gets a few seconds to its first word, then the next
one is asked, then the agent says the profile's fallback message.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from livekit.agents import APIConnectOptions, APIError, APIStatusError, llm
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.plugins import openai
from loguru import logger

from services.agent.settings import LlmSettings, Provider
from services.agent.settings.llm import BASE_URLS, DEFAULT_MODELS

ONE_TRY = APIConnectOptions(max_retry=0, timeout=10.0)

# Statuses that mean "this key" or "this model", and not "just now".
REFUSALS = {401: "the key", 403: "the key", 404: "the model"}

# Models that reason before they answer; a caller waits, so they are told to be brief.
_BRIEF = ("openai/gpt-oss",)
# Models that take no temperature.
_FIXED_TEMPERATURE = ("gpt-5", "o1", "o3", "o4")

OnFault = Callable[["Fault"], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A model did not answer. `refused` names what was refused: the key, the model."""

    model: str
    reason: str
    refused: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to the first piece of an answer, and between two pieces."""

    first: float
    stall: float


def build(settings: LlmSettings) -> list[openai.LLM]:
    """The models to ask, in order; at least one. To be closed by the caller."""
    provider = settings.provider()
    models = [_client(settings, provider, settings.model(), settings.llm_base_url)]
    if settings.llm_fallback_model:
        models.append(
            _client(settings, provider, settings.llm_fallback_model, settings.llm_base_url)
        )
    elif other := _other(settings, provider):
        models.append(_client(settings, other, DEFAULT_MODELS[other], None))
    return models


async def answer(
    models: Sequence[llm.LLM[Any]],
    chat_ctx: llm.ChatContext,
    tools: list[llm.Tool],
    *,
    tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
    limits: Limits,
    fallback: str,
    on_fault: OnFault,
    on_answer: Callable[[], None],
) -> AsyncGenerator[llm.ChatChunk | str]:
    """The pieces of one reply, from the first model that answers, or the fallback message.

    A model that alone stands is asked twice, unless it refuses. When an answer breaks off in the
    middle the fallback message follows what was said.
    """
    for model in models if len(models) > 1 else (*models, *models):
        begun = False
        try:
            chunks = _timed(model, chat_ctx, tools, tool_choice, limits)
            async with aclosing(chunks):
                async for chunk in chunks:
                    begun = begun or chunk.has_response()
                    yield chunk
            if begun:
                on_answer()
                return
            fault = Fault(model.model, "an empty answer", None)
        except (APIError, TimeoutError) as error:
            fault = _fault(model, error)
        logger.warning("language model {}: {}", fault.model, fault.reason)
        on_fault(fault)
        if begun or (fault.refused and len(models) == 1):
            break
    yield fallback


async def _timed(
    model: llm.LLM[Any],
    chat_ctx: llm.ChatContext,
    tools: list[llm.Tool],
    tool_choice: NotGivenOr[llm.ToolChoice],
    limits: Limits,
) -> AsyncGenerator[llm.ChatChunk]:
    """The chunks of one model. Raises APIError, or TimeoutError when it is too slow."""
    async with model.chat(
        chat_ctx=chat_ctx, tools=tools, tool_choice=tool_choice, conn_options=ONE_TRY
    ) as stream:
        allowed = limits.first
        while True:
            try:
                async with asyncio.timeout(allowed):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                return
            if chunk.has_response():
                allowed = limits.stall
            yield chunk


def _fault(model: llm.LLM[Any], error: APIError | TimeoutError) -> Fault:
    if isinstance(error, APIStatusError):
        refused = REFUSALS.get(error.status_code)
        return Fault(model.model, f"status {error.status_code}", refused)
    if isinstance(error, APIError):
        return Fault(model.model, type(error).__name__, None)
    return Fault(model.model, "too slow", None)


def _other(settings: LlmSettings, provider: Provider) -> Provider | None:
    """The other provider, when its key is set. An address of one's own serves one provider only."""
    other = Provider.OPENAI if provider is Provider.GROQ else Provider.GROQ
    return other if settings.key_of(other) is not None and not settings.llm_base_url else None


def _client(
    settings: LlmSettings, provider: Provider, model: str, base_url: str | None
) -> openai.LLM:
    key = settings.key_of(provider)
    if key is None:
        raise AssertionError(f"the settings let {provider} pass without a key")
    effort = settings.llm_reasoning_effort or ("low" if model.startswith(_BRIEF) else None)
    return openai.LLM(
        model=model,
        api_key=key.get_secret_value(),
        base_url=base_url or BASE_URLS[provider],
        temperature=NOT_GIVEN if model.startswith(_FIXED_TEMPERATURE) else settings.llm_temperature,
        max_completion_tokens=settings.llm_max_tokens,
        reasoning_effort=effort or NOT_GIVEN,  # type: ignore[arg-type] # a setting, not a literal
    )
