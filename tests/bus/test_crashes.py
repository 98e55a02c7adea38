"""Redis that goes away, comes back, forgets, fills up; workers and a Redis that are killed."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from shared.bus import Bus, Context, read_group_stats
from shared.errors import Unavailable
from shared.redis.client import connect
from tests.bus.events import GROUP, STREAM, Counted, Seen, consuming
from tests.valkey import Valkey
from tests.waiting import until

WORKER = Path(__file__).with_name("worker.py")


async def test_a_consumer_outlives_a_killed_redis(own_valkey: Valkey) -> None:
    """Every restart of Redis would need a restart of every service."""
    redis = connect(own_valkey.url)
    reasons: list[str | None] = []
    seen = Seen()
    async with consuming(redis, seen, on_outage=reasons.append):
        await Bus(redis, "test").publish(Counted(number=1))
        await seen.wait(1)
        own_valkey.kill()
        publishing = asyncio.create_task(Bus(redis, "test").publish(Counted(number=2)))

        async def noticed() -> bool:
            return bool(reasons)

        await until(noticed)
        own_valkey.start()
        await publishing
        await seen.wait(2)

        async def over() -> bool:
            return reasons[-1] is None

        await until(over)
    assert seen.numbers == [1, 2]
    await redis.aclose()


async def test_what_was_in_hand_when_redis_died_is_acknowledged_after(own_valkey: Valkey) -> None:
    """The result of a handler would be lost with the connection, and the event handled twice."""
    redis = connect(own_valkey.url)
    begun, release = asyncio.Event(), asyncio.Event()

    async def hold(_: Counted, __: Context) -> None:
        begun.set()
        await release.wait()

    seen = Seen(hold)
    async with consuming(redis, seen):
        await Bus(redis, "test").publish(Counted(number=1))
        await begun.wait()
        own_valkey.kill()
        release.set()
        await seen.wait(1)
        own_valkey.start()

        async def acknowledged() -> bool:
            return (await read_group_stats(redis, STREAM, GROUP)).pending == 0

        await until(acknowledged)
    assert seen.numbers == [1]
    await redis.aclose()


async def test_groups_come_back_after_flushall(redis: Redis) -> None:
    """A flushed Redis would leave a consumer that never gets an event again."""
    seen = Seen()
    async with consuming(redis, seen):
        await Bus(redis, "test").publish(Counted(number=1))
        await seen.wait(1)
        await redis.flushall()
        await Bus(redis, "test").publish(Counted(number=2))
        await seen.wait(2)
    assert seen.numbers == [1, 2]


async def test_a_full_redis_refuses_and_says_so(own_valkey: Valkey) -> None:
    """An event would be said to be published that is not."""
    redis = connect(own_valkey.url)
    reasons: list[str | None] = []
    seen = Seen()
    async with consuming(redis, seen, on_outage=reasons.append):
        await Bus(redis, "test").publish(Counted(number=1))
        await seen.wait(1)
        await redis.config_set("maxmemory", 1)
        with pytest.raises(Unavailable, match="full"):
            await Bus(redis, "test", patience=0.5).publish(Counted(number=2))
        await redis.config_set("maxmemory", 0)
        await Bus(redis, "test").publish(Counted(number=3))
        await seen.wait(2)
    assert seen.numbers == [1, 3]
    await redis.aclose()


async def test_a_handler_whose_result_cannot_be_saved_says_so(own_valkey: Valkey) -> None:
    """/readyz would say that all is well while nothing is recorded."""
    redis = connect(own_valkey.url)
    reasons: list[str | None] = []
    await Bus(redis, "test").publish(Counted(number=1))

    async def said() -> bool:
        return "Redis is full (maxmemory): nothing can be saved" in reasons

    async def fill(_: Counted, __: Context) -> None:
        await redis.config_set("maxmemory", 1)

    async with consuming(redis, Seen(fill), on_outage=reasons.append):
        await until(said)
        await redis.config_set("maxmemory", 0)

        async def acknowledged() -> bool:
            stats = await read_group_stats(redis, STREAM, GROUP)
            return stats.pending == stats.lag == 0

        await until(acknowledged)
    assert reasons[-1] is None
    await redis.aclose()


async def test_a_read_only_redis_refuses_and_says_so(own_valkey: Valkey) -> None:
    """During a failover, events would be said to be published that are not."""
    redis = connect(own_valkey.url)
    await redis.replicaof("127.0.0.1", "1")
    with pytest.raises(Unavailable, match="read-only"):
        await Bus(redis, "test", patience=0.5).publish(Counted(number=1))
    await redis.replicaof("NO", "ONE")
    assert await Bus(redis, "test").publish(Counted(number=1))
    await redis.aclose()


async def test_killed_workers_and_a_killed_redis_lose_nothing(
    own_valkey: Valkey, tmp_path: Path
) -> None:
    """Events in = events handled, whatever is killed: the promise of the bus."""
    events = 300
    redis = connect(own_valkey.url)
    bus = Bus(redis, "test", patience=30.0)
    publishing = asyncio.create_task(_publish(bus, events))
    workers = [_worker(own_valkey), _worker(own_valkey)]

    async def handled() -> int:
        try:
            return int(await redis.scard("handled"))
        except OSError:
            return 0

    try:
        for round_ in range(1, 5):
            goal = events * round_ // 6

            async def reached(goal: int = goal) -> bool:
                return await handled() >= goal

            await until(reached, timeout=20.0)
            victim = workers.pop(0)
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()
            if round_ % 2 == 0:
                own_valkey.kill()
                own_valkey.start()
            workers.append(_worker(own_valkey))
        await publishing

        async def all_handled() -> bool:
            return await handled() == events

        await until(all_handled, timeout=30.0)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        await redis.aclose()


async def _publish(bus: Bus, events: int) -> None:
    for number in range(events):
        await bus.publish(Counted(number=number))


def _worker(valkey: Valkey) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), valkey.url],
        cwd=WORKER.parents[2],
        env={**os.environ, "PYTHONPATH": str(WORKER.parents[2])},
        stderr=subprocess.DEVNULL,
    )
