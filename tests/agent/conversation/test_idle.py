"""Noticing that nobody speaks."""

import asyncio

from services.agent.conversation.idle import SilenceWatch


async def test_silence_is_counted_from_the_last_word_and_anew_after_each() -> None:
    """The agent asks once whether somebody is there, and does not talk into an answer."""
    told: asyncio.Queue[int] = asyncio.Queue()
    watch = SilenceWatch(0.05, told.put_nowait)
    watch.agent("speaking")
    watch.caller(True)
    watch.agent("listening")
    await asyncio.sleep(0.1)
    assert told.empty()
    watch.caller(False)
    assert await asyncio.wait_for(told.get(), 1) == 1
    assert await asyncio.wait_for(told.get(), 1) == 2
    watch.heard()
    assert await asyncio.wait_for(told.get(), 1) == 1
    watch.stop()


async def test_a_busy_agent_is_not_silence() -> None:
    """A slow tool or a long answer must not be taken for an empty line."""
    told: asyncio.Queue[int] = asyncio.Queue()
    watch = SilenceWatch(0.02, told.put_nowait)
    for state in ("listening", "thinking"):
        watch.agent(state)
    await asyncio.sleep(0.06)
    assert told.empty()
    watch.stop()
