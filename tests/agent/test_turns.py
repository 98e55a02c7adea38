"""Writing the call log while Redis comes and goes."""

import asyncio

import pytest
from livekit.agents import llm
from redis.asyncio import Redis

from services.agent.call.log_writer import TurnLog, latency
from shared.calls import Calls, HeldCall
from shared.calls.log import CallLog, Latency, Turn
from shared.redis.client import connect
from tests.agent.calls import open_call
from tests.valkey import Valkey


async def taken(redis: Redis) -> HeldCall:
    call = await open_call(redis)
    return await Calls(redis, source="agent").take(call.id, "test")


async def texts(redis: Redis, call_id: str) -> list[str]:
    read = await CallLog(redis).read(call_id)
    return [each.entry.text for each in read if isinstance(each.entry, Turn)]


async def test_what_is_said_while_redis_is_away_follows_in_order(own_valkey: Valkey) -> None:
    """A restart of Redis in the middle of a call leaves no hole in the transcript."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    held = await taken(redis)
    log = TurnLog(CallLog(redis), held)
    log.caller("one", language="en-IN", typed=False, latency=None)
    assert await log.drain(2)
    own_valkey.kill()
    for text in ("two", "three", "four"):
        log.caller(text, language="en-IN", typed=False, latency=None)
    assert not await log.drain(0.1)
    await asyncio.to_thread(own_valkey.start)
    assert await log.drain(5)
    assert await texts(redis, held.call_id) == ["one", "two", "three", "four"]
    await log.aclose()
    await redis.aclose()


async def test_memory_is_bounded_and_the_newest_entries_are_kept(own_valkey: Valkey) -> None:
    """A Redis that is away for hours must not eat the machine's memory."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    held = await taken(redis)
    log = TurnLog(CallLog(redis), held, limit=3)
    own_valkey.kill()
    for number in range(6):
        log.agent(str(number), language="en-IN", interrupted=False, latency=None)
    await asyncio.to_thread(own_valkey.start)
    assert await log.drain(5)
    assert await texts(redis, held.call_id) == ["3", "4", "5"]
    await log.aclose()
    await redis.aclose()


def test_latencies_are_milliseconds_and_unknown_ones_are_left_out() -> None:
    """The page shows how long the caller waited, not a row of zeros."""
    measured: llm.MetricsReport = {"e2e_latency": 0.7484, "llm_node_ttft": 0.2}
    assert latency(measured) == Latency(e2e_ms=748, llm_ttft_ms=200)
    assert latency({}) is None


@pytest.mark.parametrize("state", ["initializing", "idle"])
async def test_states_that_mean_nothing_to_people_are_left_out(redis: Redis, state: str) -> None:
    """The log holds what a reader can use."""
    held = await taken(redis)
    log = TurnLog(CallLog(redis), held)
    log.state(state)
    assert await log.drain(1)
    assert await CallLog(redis).read(held.call_id) == []
    await log.aclose()
