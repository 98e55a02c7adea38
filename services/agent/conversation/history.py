"""What an earlier agent left in the call log, as a conversation to go on with."""

from collections.abc import Sequence

from livekit.agents import llm

from shared.calls.log import Logged, Turn


def turns(logged: Sequence[Logged]) -> list[Turn]:
    return [each.entry for each in logged if isinstance(each.entry, Turn)]


def chat_context(said: Sequence[Turn]) -> llm.ChatContext:
    """The conversation so far, oldest first."""
    context = llm.ChatContext.empty()
    for turn in said:
        context.add_message(
            role="user" if turn.who == "caller" else "assistant",
            content=turn.text,
            interrupted=turn.interrupted,
            created_at=turn.at_ms / 1000,
        )
    return context
