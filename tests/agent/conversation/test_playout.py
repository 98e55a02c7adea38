"""Knowing whether the agent is at its last words."""

import asyncio
from collections.abc import AsyncGenerator

from livekit import rtc

from services.agent.conversation.first_segment import Piece
from services.agent.conversation.playout import Playout
from tests.virtual_time import in_virtual_time

SECOND = rtc.AudioFrame(bytes(32_000), 16_000, 1, 16_000)


async def frames(count: int) -> AsyncGenerator[rtc.AudioFrame]:
    for _ in range(count):
        yield SECOND


async def reply(*pieces: Piece) -> AsyncGenerator[Piece]:
    for piece in pieces:
        yield piece


@in_virtual_time
async def test_the_last_half_second_is_told_from_what_comes_before() -> None:
    """A "haan" to the question that was just asked must not be dropped as mere listening."""
    playout = Playout()
    assert [piece async for piece in playout.writing(reply("a", "b"))] == ["a", "b"]
    async for _ in playout.voicing(frames(3)):
        pass
    playout.speaking(True)
    await asyncio.sleep(2.4)
    assert not playout.ending
    await asyncio.sleep(0.2)
    assert playout.ending


@in_virtual_time
async def test_a_pause_does_not_count_as_speech() -> None:
    """The agent falls silent when the caller makes a sound; what it has to say is still to come."""
    playout = Playout()
    async for _ in playout.voicing(frames(3)):
        pass
    playout.speaking(True)
    await asyncio.sleep(1)
    playout.speaking(False)
    await asyncio.sleep(10)
    assert not playout.ending


@in_virtual_time
async def test_while_a_reply_is_written_more_is_to_come() -> None:
    """The first clause alone is short: its end is not the end."""
    playout = Playout()
    writing = playout.writing(reply("first", "second"))
    await anext(writing)
    assert not playout.ending
    await writing.aclose()
    assert playout.ending
