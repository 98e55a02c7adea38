"""Trimming, and the statistics of a group."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from redis.asyncio import Redis

from shared.bus import consumer as consumer_module, metrics, read_group_stats
from shared.bus.maintenance import remove_idle_consumers, trim
from shared.redis.client import connect
from shared.runtime.health import Health
from tests.bus.events import GROUP, STREAM, Counted, Seen, consuming, raw
from tests.valkey import Valkey
from tests.waiting import until

# What a stream goes through: publishing, reading by one of three groups, acknowledging an entry
# that a group has in hand (by its place), trimming.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 5), st.just(0)),
        st.tuples(st.just("read"), st.integers(0, 2), st.integers(1, 4)),
        st.tuples(st.just("acknowledge"), st.integers(0, 2), st.integers(0, 6)),
        st.tuples(st.just("trim"), st.booleans(), st.just(0)),
    ),
    max_size=40,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, groups=st.integers(0, 3))
def test_trimming_never_takes_what_a_group_still_needs(
    valkey: Valkey, steps: list[tuple[str, Any, int]], groups: int
) -> None:
    """A slow group would lose events that a quick one has handled."""
    asyncio.run(_live_through(valkey, steps, groups))


async def _live_through(valkey: Valkey, steps: list[tuple[str, Any, int]], groups: int) -> None:
    redis = connect(valkey.url)
    await redis.flushall()
    await redis.config_set("stream-node-max-entries", 3)
    names = [f"g{number}" for number in range(groups)]
    for name in names:
        await redis.xgroup_create(STREAM, name, id="0", mkstream=True)
    published: list[str] = []
    read: dict[str, int] = dict.fromkeys(names, 0)
    held: dict[str, list[str]] = {name: [] for name in names}
    for step, one, two in steps:
        if step == "publish":
            published += [str(await redis.xadd(STREAM, {"n": "1"})) for _ in range(one)]
        elif step == "trim":
            await trim(redis, STREAM, keep=0, exact=one)
        elif one < groups:
            name = names[one]
            if step == "read":
                answer: Any = await redis.xreadgroup(name, "c", {STREAM: ">"}, count=two)
                entries = [entry_id for entry_id, _ in answer[0][1]] if answer else []
                assert entries == published[read[name] : read[name] + two], "an entry is missing"
                read[name] += len(entries)
                held[name] += entries
            elif two < len(held[name]):
                await redis.xack(STREAM, name, held[name].pop(two))
    left = {str(entry_id) for entry_id, _ in await redis.xrange(STREAM) or ()}
    for name in names:
        needed = set(held[name]) | set(published[read[name] :])
        assert needed <= left
    if not groups:
        assert left == set(published), "without a group nobody has read anything"
    await redis.config_set("stream-node-max-entries", 100)
    await redis.aclose()


async def test_trimming_takes_what_nobody_needs(redis: Redis) -> None:
    """The stream would grow until Redis is full."""
    ids = [await raw(redis, Counted(number=number)) for number in range(10)]
    for name in ("quick", "slow"):
        await redis.xgroup_create(STREAM, name, id="0")
        await redis.xreadgroup(name, "c", {STREAM: ">"}, count=10)
    await redis.xack(STREAM, "quick", *ids)
    await redis.xack(STREAM, "slow", *ids[:6], *ids[7:])
    assert await trim(redis, STREAM, keep=3600, exact=True) == 0, "all are younger than an hour"
    assert await trim(redis, STREAM, keep=0, exact=True) == 6
    assert [entry_id for entry_id, _ in await redis.xrange(STREAM) or ()] == ids[6:]


async def test_statistics_tell_what_waits(redis: Redis) -> None:
    """An operator could not see that a group falls behind."""
    assert (await read_group_stats(redis, STREAM, GROUP)).lag == 0
    for number in range(3):
        await raw(redis, Counted(number=number))
    assert (await read_group_stats(redis, STREAM, GROUP)).lag == 3, "no group has read yet"
    await redis.xgroup_create(STREAM, GROUP, id="0")
    await redis.xreadgroup(GROUP, "c", {STREAM: ">"}, count=1)

    async def aged() -> bool:
        return (await read_group_stats(redis, STREAM, GROUP)).oldest_pending_s > 0

    await until(aged)
    stats = await read_group_stats(redis, STREAM, GROUP)
    assert (stats.lag, stats.pending, stats.scheduled, stats.dead) == (2, 1, 0, 0)


async def test_a_lag_that_redis_cannot_tell_is_counted(redis: Redis) -> None:
    """After a deletion the gauge would be empty just when somebody looks."""
    ids = [await raw(redis, Counted(number=number)) for number in range(5)]
    await redis.xgroup_create(STREAM, GROUP, id="0")
    await redis.xreadgroup(GROUP, "c", {STREAM: ">"}, count=1)
    await redis.xdel(STREAM, ids[2])
    (group,) = await redis.xinfo_groups(STREAM)
    assert group["lag"] is None
    assert (await read_group_stats(redis, STREAM, GROUP)).lag == 3


async def test_metrics_and_readyz_follow_the_statistics(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/metrics would stand still, and nobody would learn that events were given up."""
    monkeypatch.setattr(consumer_module, "STATS_EVERY_S", 0.01)
    health = Health("leads", "a")
    await redis.xadd(f"{STREAM}:dead:{GROUP}", {"why": "test"})
    async with consuming(redis, Seen(), health=health):

        async def said() -> bool:
            return bool(health.reasons)

        async def well() -> bool:
            return not health.reasons

        await until(said)
        assert metrics.DEAD.labels(STREAM, GROUP)._value.get() == 1
        assert health.status == "degraded"
        assert health.reasons == {
            "dead_events:test": "events of test that were given up: 1; see `bolchaal events list`"
        }
        await redis.delete(f"{STREAM}:dead:{GROUP}")
        await until(well)
        assert metrics.DEAD.labels(STREAM, GROUP)._value.get() == 0


async def test_maintenance_of_a_stream_that_is_not_there(redis: Redis) -> None:
    """A consumer that tidies up before its stream was made would end at its start."""
    assert await remove_idle_consumers(redis, STREAM, GROUP) == []
    assert await trim(redis, STREAM) == 0
