"""One reply of a language model: from the one that answers, or from the one that steps in.

A caller must not wait in silence. Each model gets a few seconds to its first word, then the next
one is asked, then the agent says the profile's fallback message.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from livekit.agents import APIConnectOptions, APIError, APIStatusError, llm
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from loguru import logger

from services.agent.llm.models import ChatModel

ONE_TRY = APIConnectOptions(max_retry=0, timeout=10.0)


@dataclass(frozen=True, slots=True)
class ModelFailure:
    """A model did not answer. `refused` names what was refused: the key, the model."""

    model: str
    reason: str
    refused: str | None


@dataclass(frozen=True, slots=True)
class ReplyTimeouts:
    """Seconds to the first piece of a reply, and between two pieces."""

    first: float
    stall: float


class ModelListener(Protocol):
    """Told how the models do. Neither method may raise."""

    def model_failed(self, failure: ModelFailure) -> None:
        """A model did not answer; the next one is asked, if there is one."""

    def model_answered(self, model: str) -> None:
        """A model has given a whole answer."""


class Failover:
    """Asks the models in order. A single one is asked twice, unless it refuses the key or model."""

    def __init__(
        self, models: Sequence[ChatModel], timeouts: ReplyTimeouts, listener: ModelListener
    ) -> None:
        self._turns = models if len(models) > 1 else (*models, *models)
        self._single = len(models) == 1
        self._timeouts = timeouts
        self._listener = listener

    async def reply(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        *,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        fallback: str,
    ) -> AsyncGenerator[llm.ChatChunk | str]:
        """The pieces of one reply.

        When no model answers it is the fallback message, which also follows an answer that broke
        off in the middle.
        """
        for model in self._turns:
            begun = False
            try:
                chunks = self._ask(model, chat_ctx, tools, tool_choice)
                async with aclosing(chunks):
                    async for chunk in chunks:
                        begun = begun or chunk.has_response()
                        yield chunk
                if begun:
                    self._listener.model_answered(model.name)
                    return
                failure = ModelFailure(model.name, "an empty answer", None)
            except (APIError, TimeoutError) as error:
                failure = _failure(model, error)
            logger.warning("language model {}: {}", failure.model, failure.reason)
            self._listener.model_failed(failure)
            if begun or (failure.refused and self._single):
                break
        yield fallback

    async def _ask(
        self,
        model: ChatModel,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        tool_choice: NotGivenOr[llm.ToolChoice],
    ) -> AsyncGenerator[llm.ChatChunk]:
        """The chunks of one model. Raises APIError, or TimeoutError when it is too slow."""
        async with model.client.chat(
            chat_ctx=chat_ctx, tools=tools, tool_choice=tool_choice, conn_options=ONE_TRY
        ) as stream:
            allowed = self._timeouts.first
            while True:
                try:
                    async with asyncio.timeout(allowed):
                        chunk = await anext(stream)
                except StopAsyncIteration:
                    return
                if chunk.has_response():
                    allowed = self._timeouts.stall
                yield chunk


def _failure(model: ChatModel, error: APIError | TimeoutError) -> ModelFailure:
    if isinstance(error, APIStatusError):
        refused = model.refused.get(error.status_code)
        return ModelFailure(model.name, f"status {error.status_code}", refused)
    if isinstance(error, APIError):
        return ModelFailure(model.name, type(error).__name__, None)
    return ModelFailure(model.name, "too slow", None)
