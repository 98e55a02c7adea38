"""The agent as livekit-agents runs it: how it opens a call, and how its replies are made."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import Agent, APIError, ModelSettings, llm

from services.agent.conversation.first_segment import Piece, first_segment
from services.agent.conversation.playout import Playout
from services.agent.llm.failover import Failover

SILENCE = rtc.AudioFrame(bytes(9600), 24_000, 1, 4800)  # 0.2 s, a segment that plays

Opening = Callable[[], None]


@dataclass(frozen=True, slots=True)
class ReplyPolicy:
    """How replies are made. `fallback` is called for each one: the language may have changed.

    `on_voice` tells that there is speech, `first_segment_words` how many words are spoken first.
    """

    failover: Failover
    fallback: Callable[[], str]
    on_voice: Callable[[], None]
    first_segment_words: int = 4


class CallAgent(Agent):
    """Speaks with one caller. `open_with` greets, or goes on where another agent stopped."""

    def __init__(
        self,
        *,
        instructions: str,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool | llm.Toolset],
        policy: ReplyPolicy,
        open_with: Opening,
    ) -> None:
        super().__init__(instructions=instructions, chat_ctx=chat_ctx, tools=tools)
        self._policy = policy
        self._open_with = open_with
        self.said_something = False
        self.playout = Playout()

    async def on_enter(self) -> None:
        self._open_with()

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncGenerator[Piece]:
        """One reply. `said_something` tells whether the latest one has words, for end_call."""
        self.said_something = False
        pieces = self._policy.failover.reply(
            chat_ctx,
            tools,
            tool_choice=model_settings.tool_choice,
            fallback=self._policy.fallback(),
        )
        segments = first_segment(pieces, self._policy.first_segment_words)
        async with aclosing(self.playout.writing(segments)) as reply:
            async for piece in reply:
                self.said_something = self.said_something or _has_words(piece)
                yield piece

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame]:
        """One segment of a reply, as speech; as silence when it cannot be spoken.

        An error here would take the reply out of the transcript as well, and with it the call in
        text. The failure itself has been told by the session's error event.
        """
        frames = Agent.default.tts_node(self, text, model_settings)
        try:
            async with aclosing(frames), aclosing(self.playout.voicing(frames)) as voiced:
                async for frame in voiced:
                    self._policy.on_voice()
                    yield frame
        except APIError:
            yield SILENCE


def _has_words(piece: Piece) -> bool:
    if isinstance(piece, llm.ChatChunk):
        return bool(piece.delta and piece.delta.content and piece.delta.content.strip())
    return isinstance(piece, str) and bool(piece.strip())
