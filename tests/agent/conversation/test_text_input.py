"""Typed turns: in order, bounded, and quiet when the caller has gone."""

import asyncio
from typing import Any, cast

from livekit.agents import AgentSession

from services.agent.conversation.text_input import MAX_WAITING, TypedText


class Session:
    """What typed text needs of a session; `gate` holds its first interruption back."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.answered: list[str] = []
        self.closing = False

    async def interrupt(self) -> None:
        await self.gate.wait()
        if self.closing:
            raise RuntimeError("AgentSession is closing")

    def generate_reply(self, *, user_input: Any, input_modality: str) -> str:
        assert input_modality == "text"
        self.answered.append(user_input.text_content)
        return "handle"


def typed_in(session: Session, told: list[str]) -> TypedText:
    return TypedText(cast("AgentSession[Any]", session), told.append)


async def test_turns_are_answered_in_order_and_a_flood_is_bounded() -> None:
    """A client that sends a thousand messages must not keep an agent busy for an hour."""
    session, told = Session(), list[str]()
    typed = typed_in(session, told)
    turns = [asyncio.create_task(typed.take(f"text {number}")) for number in range(100)]
    await asyncio.sleep(0)
    session.gate.set()
    await asyncio.gather(*turns)
    assert told == session.answered == [f"text {number}" for number in range(MAX_WAITING)]
    assert await typed.take("again")


async def test_text_that_comes_too_late_is_no_turn() -> None:
    """The caller hung up: nothing is logged as said that nobody will answer."""
    session, told = Session(), list[str]()
    session.closing = True
    session.gate.set()
    assert await typed_in(session, told).take("are you there?") is None
    assert told == []
