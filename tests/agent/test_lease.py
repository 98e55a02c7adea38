"""Holding a call, and losing it."""

import asyncio

from redis.asyncio import Redis

from services.agent.call.lease import Lease
from shared.calls import Calls
from shared.redis.client import connect, now_ms
from tests.agent.calls import open_call
from tests.valkey import Valkey


async def renewed(redis: Redis, call_id: str) -> bool:
    """Whether the lease was renewed within the last half second."""
    lease_ms = (await Calls(redis, source="agent").get(call_id)).lease_ms
    return lease_ms > await now_ms(redis) + 2_500


async def test_a_lease_is_renewed_as_long_as_it_is_held(redis: Redis) -> None:
    """Or the watchdog would send a second agent into every call."""
    calls = Calls(redis, source="agent")
    call = await open_call(redis)
    held = await calls.take(call.id, "one")
    first = (await calls.get(call.id)).lease_ms
    lease = Lease(calls, held)
    async with asyncio.timeout(3):
        while (await calls.get(call.id)).lease_ms == first:  # noqa: ASYNC110 # seen in Redis
            await asyncio.sleep(0.01)
    assert not lease.lost.is_set()
    await lease.aclose()


async def test_the_loser_learns_it(redis: Redis) -> None:
    """An agent that was taken for dead must stop talking when another one has begun."""
    calls = Calls(redis, source="agent")
    call = await open_call(redis)
    held = await calls.take(call.id, "one")
    await calls.release(held)
    await calls.take(call.id, "two")
    lease = Lease(calls, held)
    await asyncio.wait_for(lease.lost.wait(), 2)
    await lease.aclose()


async def test_a_redis_that_is_away_takes_nothing(own_valkey: Valkey) -> None:
    """While Redis restarts the call goes on, and the next renewal wins."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    calls = Calls(redis, source="agent")
    call = await open_call(redis)
    held = await calls.take(call.id, "one")
    own_valkey.kill()
    lease = Lease(calls, held)
    await asyncio.sleep(0.2)
    assert not lease.lost.is_set()
    await asyncio.to_thread(own_valkey.start)
    async with asyncio.timeout(5):
        while not await renewed(redis, call.id):  # noqa: ASYNC110 # seen in Redis
            await asyncio.sleep(0.05)
    assert not lease.lost.is_set()
    await lease.aclose()
    await redis.aclose()
