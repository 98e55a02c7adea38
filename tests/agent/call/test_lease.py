"""Holding a call, and losing it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis import exceptions
from redis.asyncio import Redis

from services.agent.call.lease import RENEW_EVERY_S, Lease
from services.agent.call.running_call import RESTART
from shared.calls import Calls, HeldCall
from shared.redis.client import connect, now_ms
from shared.runtime.background import Background
from tests.agent.calls import open_call
from tests.valkey import Valkey
from tests.waiting import until


@asynccontextmanager
async def renewing(calls: Calls, held: HeldCall) -> AsyncIterator[Lease]:
    """A lease that is renewed as a call does it."""
    lease = Lease(calls, held)
    async with Background(restart=RESTART) as loops:
        loops.every("lease", RENEW_EVERY_S, lease.renew)
        yield lease


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

    async def later() -> bool:
        return (await calls.get(call.id)).lease_ms > first

    async with renewing(calls, held) as lease:
        await until(later)
    assert not lease.lost.is_set()


async def test_the_loser_learns_it(redis: Redis) -> None:
    """An agent that was taken for dead must stop talking when another one has begun."""
    calls = Calls(redis, source="agent")
    call = await open_call(redis)
    held = await calls.take(call.id, "one")
    await calls.release(held)
    await calls.take(call.id, "two")
    async with renewing(calls, held) as lease:
        await asyncio.wait_for(lease.lost.wait(), 2)


async def test_a_redis_that_is_away_takes_nothing(
    own_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While Redis restarts the call goes on, and the next renewal wins."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    calls = Calls(redis, source="agent")
    call = await open_call(redis)
    held = await calls.take(call.id, "one")
    renew = calls.renew
    failures: list[Exception] = []

    async def watched(of: HeldCall) -> None:
        try:
            await renew(of)
        except Exception as error:
            failures.append(error)
            raise

    async def failed_twice() -> bool:
        return len(failures) >= 2

    monkeypatch.setattr(calls, "renew", watched)
    own_valkey.kill()
    async with renewing(calls, held) as lease:
        await until(failed_twice)
        assert not lease.lost.is_set()
        await asyncio.to_thread(own_valkey.start)
        await until(lambda: renewed(redis, call.id))
        assert not lease.lost.is_set()
    await redis.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        exceptions.ReadOnlyError("READONLY You can't write against a read only replica."),
        exceptions.OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'"),
        exceptions.ResponseError("ERR something that nobody has seen before"),
        ValueError("an answer that cannot be parsed"),
    ],
    ids=["readonly", "oom", "odd", "unreadable"],
)
async def test_an_odd_answer_of_redis_ends_no_renewal(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    """A failover that lasts for a second must not hang up on the caller."""
    calls = Calls(redis, source="agent")
    call = await open_call(redis)
    held = await calls.take(call.id, "one")
    answers, renew = [answer, answer], calls.renew

    async def odd(of: HeldCall) -> None:
        if answers:
            raise answers.pop()
        await renew(of)

    monkeypatch.setattr(calls, "renew", odd)
    first = (await calls.get(call.id)).lease_ms

    async def later() -> bool:
        return (await calls.get(call.id)).lease_ms > first

    async with renewing(calls, held) as lease:
        await until(later)
    assert not lease.lost.is_set()
