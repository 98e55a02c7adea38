"""How much of the agent's speech is still to be heard.

A "haan" in the middle of a long answer says "I am listening"; in its last half second it is the
answer to the question that has just been asked.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from livekit import rtc

from services.agent.conversation.first_segment import Piece
from shared.clock import SYSTEM_CLOCK, Clock

LAST_WORDS_S = 0.5


class Playout:
    """Counts what is synthesised against what was played, in seconds."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._made = 0.0
        self._played = 0.0
        self._since: float | None = None
        self._making = 0

    @property
    def ending(self) -> bool:
        """Whether the agent is saying its last words, or has said them."""
        return self._making == 0 and self._made - self._heard() <= LAST_WORDS_S

    def speaking(self, speaking: bool) -> None:
        """The agent's voice began, paused or ended."""
        now = self._clock.monotonic()
        if speaking and self._since is None:
            self._since = now
        elif not speaking and self._since is not None:
            self._played += now - self._since
            self._since = None

    async def writing(self, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[Piece]:
        """Passes on the text of a new reply; while it is written, more is to come."""
        self._made = self._played = 0.0
        self._making += 1
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
        finally:
            self._making -= 1

    async def voicing(
        self, frames: AsyncIterable[rtc.AudioFrame]
    ) -> AsyncGenerator[rtc.AudioFrame]:
        """Passes on the frames of a segment and counts them."""
        self._making += 1
        try:
            async for frame in frames:
                self._made += frame.duration
                yield frame
        finally:
            self._making -= 1

    def _heard(self) -> float:
        now = self._clock.monotonic() - self._since if self._since is not None else 0.0
        return self._played + now
