"""The consumer's loops go on after odd answers, and stop when they are told."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from shared.backoff import Backoff
from shared.bus import Bus, Consumer, Context, Policy, read_group_stats
from shared.redis.client import connect
from shared.runtime.background import Background
from shared.runtime.health import Health
from tests.bus.events import GROUP, STREAM, Counted, Seen, consuming
from tests.valkey import Valkey
from tests.waiting import until


async def test_what_fails_beside_the_reading_goes_on_and_is_named(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One odd answer would end the signs of life for good, and others would take the entries."""
    health = Health("leads", "a")
    fail = True
    beats = 0
    consumer = Consumer(
        redis,
        STREAM,
        GROUP,
        {Counted: Seen()},
        policy=Policy(idle=0.02, block_ms=20),
        health=health,
    )

    async def beat(*_: object) -> set[str]:
        nonlocal beats
        if fail:
            raise ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
        beats += 1
        return set()

    monkeypatch.setattr(consumer._claims, "beat", beat)
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))

    async def named() -> bool:
        return health.status == "unavailable"

    async def well() -> bool:
        return beats > 2 and health.status == "ok"

    await until(named)
    assert list(health.reasons) == [f"loop:signs of life of {GROUP} on {STREAM}"]
    fail = False
    await until(well)
    stop.set()
    await running


@pytest.mark.parametrize(
    "error",
    [
        ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        NoPermissionError("this user has no permissions"),
        RuntimeError("a fault in the program"),
    ],
)
async def test_a_consumer_that_failed_is_run_again(redis: Redis, error: Exception) -> None:
    """One odd answer while reading would end the consumer until somebody restarts the service."""
    health = Health("leads", "a")
    seen = Seen()
    consumer = Consumer(
        redis, STREAM, GROUP, {Counted: seen}, policy=Policy(block_ms=20), health=health
    )
    real, failures = consumer._processor.retries.promote_due, [error, error]
    failed_twice = asyncio.Event()

    async def promote() -> int | None:
        if not failures:
            failed_twice.set()
            return await real()
        raise failures.pop()

    consumer._processor.retries.promote_due = promote  # type: ignore[method-assign]
    async with Background(health, restart=Backoff(0.01, 0.05)) as background:
        background.run("consumer", consumer.run, critical=True)
        await failed_twice.wait()
        await Bus(redis, "test").publish(Counted(number=1))
        await seen.wait(1)


async def test_a_stop_is_noticed_while_every_place_is_taken(redis: Redis) -> None:
    """A deploy would wait until a handler has ended, five minutes at most."""
    begun = asyncio.Event()

    async def hang(_: Counted, __: Context) -> None:
        begun.set()
        await asyncio.Event().wait()

    consumer = Consumer(
        redis, STREAM, GROUP, {Counted: Seen(hang)}, policy=Policy(block_ms=20, concurrency=1)
    )
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop, grace=0.05))
    await Bus(redis, "test").publish(Counted(number=1))
    await begun.wait()
    stop.set()
    async with asyncio.timeout(5):
        await running
    assert (await read_group_stats(redis, STREAM, GROUP)).pending == 1


async def test_a_stop_is_noticed_while_redis_is_away(own_valkey: Valkey) -> None:
    """A deploy during an outage would need kill -9."""
    redis = connect(own_valkey.url, retries=0)
    reasons: list[str | None] = []
    async with consuming(redis, Seen(), on_outage=reasons.append):
        own_valkey.kill()

        async def noticed() -> bool:
            return bool(reasons)

        await until(noticed)
    await redis.aclose()
