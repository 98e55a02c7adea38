"""Noticing that nobody speaks."""

import asyncio

from services.agent.conversation.idle import SilenceWatch
from tests.virtual_time import in_virtual_time

SILENCE_S = 12.0


@in_virtual_time
async def test_silence_is_counted_from_the_last_word_and_anew_after_each() -> None:
    """The agent asks once whether somebody is there, and does not talk into an answer."""
    told: list[int] = []
    watch = SilenceWatch(SILENCE_S, told.append)
    watch.agent("speaking")
    watch.caller(True)
    watch.agent("listening")
    await asyncio.sleep(60)
    assert told == []
    watch.caller(False)
    await asyncio.sleep(SILENCE_S - 1)
    assert told == []
    await asyncio.sleep(2)
    assert told == [1]
    await asyncio.sleep(SILENCE_S)
    assert told == [1, 2]
    watch.heard()
    await asyncio.sleep(SILENCE_S + 1)
    assert told == [1, 2, 1]
    watch.stop()


@in_virtual_time
async def test_a_busy_agent_is_not_silence() -> None:
    """A slow tool or a long answer must not be taken for an empty line."""
    told: list[int] = []
    watch = SilenceWatch(SILENCE_S, told.append)
    for state in ("listening", "thinking"):
        watch.agent(state)
    await asyncio.sleep(60)
    assert told == []
    watch.stop()
