"""The language models of a call, as clients that can be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import llm
from livekit.agents.types import NOT_GIVEN
from livekit.plugins import openai

from services.agent.llm.choice import ModelChoice, ModelOptions
from services.agent.llm.providers.provider import REFUSED


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A client, and what its provider refuses by which HTTP status."""

    client: llm.LLM[Any]
    refused: Mapping[int, str] = field(default_factory=lambda: REFUSED)

    @property
    def name(self) -> str:
        return self.client.model


def build(choices: Sequence[ModelChoice], options: ModelOptions) -> list[ChatModel]:
    """A client for each choice, in order. To be closed by the caller."""
    return [ChatModel(_client(choice, options), choice.provider.refused) for choice in choices]


async def close(models: Sequence[ChatModel]) -> None:
    for model in models:
        await model.client.aclose()


def _client(choice: ModelChoice, options: ModelOptions) -> openai.LLM:
    provider, model = choice.provider, choice.model
    effort = options.reasoning_effort or provider.reasoning_effort(model)
    return openai.LLM(
        model=model,
        api_key=choice.key.get_secret_value(),
        base_url=choice.base_url,
        temperature=options.temperature if provider.takes_temperature(model) else NOT_GIVEN,
        max_completion_tokens=options.max_tokens,
        reasoning_effort=effort or NOT_GIVEN,  # type: ignore[arg-type] # a setting, not a literal
    )
