"""What an earlier agent left of a call, as a conversation to go on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import llm

from shared.calls.log import Logged, Turn


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was said, oldest first, and the values that were noted, by the field's key."""

    turns: Sequence[Turn] = ()
    collected: Mapping[str, Any] = field(default_factory=dict)


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
