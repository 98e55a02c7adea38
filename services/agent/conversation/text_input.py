"""Text that the caller types. It is a turn like any other, and waits while the caller speaks.

Given at once, its reply would sound for a moment and be cut off by the spoken turn's transcript.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from livekit.agents import AgentSession, llm
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.room_io import TextInputEvent
from loguru import logger

from services.agent.lead.fields.text import clean

MAX_LENGTH = 1000  # characters of one typed turn
MAX_WAITING = 20  # typed turns that wait for their answer; nobody types faster than that
MAX_HOLD_S = 15.0  # who speaks for longer is interrupted by their own typing


class TypedText:
    """`on_text` is told of every typed turn before it is answered."""

    def __init__(self, session: AgentSession[Any], on_text: Callable[[str], None]) -> None:
        self._session = session
        self._on_text = on_text
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._order = asyncio.Lock()
        self._ids: set[str] = set()
        self._waiting = 0

    def caller(self, speaking: bool) -> None:
        if speaking:
            self._quiet.clear()
        else:
            self._quiet.set()

    def is_typed(self, message: llm.ChatMessage) -> bool:
        return message.id in self._ids

    async def on_stream(self, _: AgentSession[Any], event: TextInputEvent) -> None:
        """For the room's text input."""
        await self.take(event.text)

    async def take(self, text: str) -> SpeechHandle | None:
        """Answers what was typed, in the order in which it came; None when it was nothing."""
        text = clean(text, MAX_LENGTH)
        if not text:
            return None
        if self._waiting >= MAX_WAITING:
            logger.warning("typed text is dropped: {} wait already", self._waiting)
            return None
        self._waiting += 1
        try:
            async with self._order:
                return await self._answer(text)
        except RuntimeError as error:
            # What the framework raises when its session ends under us: the caller has hung up.
            logger.info("typed text came too late for an answer: {}", error)
            return None
        finally:
            self._waiting -= 1

    async def _answer(self, text: str) -> SpeechHandle:
        await self._hold()
        await self._session.interrupt()
        message = llm.ChatMessage(role="user", content=[text])
        self._ids.add(message.id)
        self._on_text(text)
        return self._session.generate_reply(user_input=message, input_modality="text")

    async def _hold(self) -> None:
        try:
            async with asyncio.timeout(MAX_HOLD_S):
                await self._quiet.wait()
        except TimeoutError:
            return
