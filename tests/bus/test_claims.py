"""What happens to the entries of consumers that die, freeze or leave."""

import asyncio

from redis.asyncio import Redis

from shared.bus import Bus, Context, DeadLetters, read_group_stats
from shared.bus.maintenance import remove_idle_consumers
from tests.bus.events import GROUP, STREAM, Counted, Seen, consuming
from tests.waiting import until


async def _held_by_a_dead_consumer(redis: Redis, *numbers: int) -> None:
    """Entries that a consumer has read and will never acknowledge."""
    for number in numbers:
        await Bus(redis, "test").publish(Counted(number=number))
    await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    await redis.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=len(numbers))


async def test_entries_of_a_dead_consumer_are_taken_over(redis: Redis) -> None:
    """A lead in the hand of a killed process would stay there."""
    await _held_by_a_dead_consumer(redis, 1, 2, 3)
    seen = Seen()
    async with consuming(redis, seen, idle=0.1, concurrency=2):
        await seen.wait(3)
    assert sorted(seen.numbers) == [1, 2, 3]
    assert (await read_group_stats(redis, STREAM, GROUP)).pending == 0


async def test_a_slow_handler_is_never_run_twice_at_once(redis: Redis) -> None:
    """Another consumer would take a handler that takes long for a dead one."""
    release, begun = asyncio.Event(), asyncio.Event()

    async def slow(_: Counted, __: Context) -> None:
        begun.set()
        await release.wait()

    first, second = Seen(slow), Seen()
    async with consuming(redis, first, idle=0.2):
        await Bus(redis, "test").publish(Counted(number=1))
        await begun.wait()
        async with consuming(redis, second, idle=0.2):
            await Bus(redis, "test").publish(Counted(number=2))
            await asyncio.sleep(0.6)  # three times the idle time: the only way to see nothing
            assert second.numbers in ([2], [])
            release.set()
            await first.wait(1)
    assert 1 not in second.numbers


async def test_a_consumer_whose_entry_was_taken_lets_go_of_it(redis: Redis) -> None:
    """After a freeze, two consumers would work on one event to the end."""
    begun = asyncio.Event()

    async def hang(_: Counted, __: Context) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with consuming(redis, Seen(hang), idle=0.2) as frozen:
        await Bus(redis, "test").publish(Counted(number=1))
        await begun.wait()
        ((entry_id, *_),) = [
            (pending["message_id"],)
            for pending in await redis.xpending_range(STREAM, GROUP, "-", "+", 10)
        ]
        await redis.xclaim(STREAM, GROUP, "thief", 0, [entry_id])

        async def let_go() -> bool:
            return not len(frozen._in_hand)

        await until(let_go)
        (pending,) = await redis.xpending_range(STREAM, GROUP, "-", "+", 10)
        assert pending["consumer"] == "thief"


async def test_an_event_that_kills_its_consumers_becomes_a_dead_letter(redis: Redis) -> None:
    """One poison event would kill every replica, one after the other, for ever."""
    await _held_by_a_dead_consumer(redis, 1)
    (pending,) = await redis.xpending_range(STREAM, GROUP, "-", "+", 1)
    await redis.xclaim(STREAM, GROUP, "dead", 0, [pending["message_id"]], retrycount=5)
    seen = Seen()
    async with consuming(redis, seen, idle=0.05):
        letters = DeadLetters(redis, STREAM, GROUP)
        await until(letters.count)
    assert seen.contexts == []
    assert (await letters.list())[0].why == "its consumer died 5 times"


async def test_stopping_leaves_nothing_pending(redis: Redis) -> None:
    """Each deploy would leave entries behind that wait for a take-over."""
    seen = Seen()
    async with consuming(redis, seen, concurrency=2):
        for number in range(50):
            await Bus(redis, "test").publish(Counted(number=number))
    assert (await read_group_stats(redis, STREAM, GROUP)).pending == 0


async def test_idle_consumers_are_removed_but_never_what_they_hold(redis: Redis) -> None:
    """Deleting a consumer deletes its pending entries: a lost lead."""
    await _held_by_a_dead_consumer(redis, 1)
    await redis.xgroup_createconsumer(STREAM, GROUP, "gone")

    async def removed() -> list[str]:
        return await remove_idle_consumers(redis, STREAM, GROUP, idle=0.02)

    assert await until(removed) == ["gone"]
    assert [consumer["name"] for consumer in await redis.xinfo_consumers(STREAM, GROUP)] == ["dead"]
    assert (await read_group_stats(redis, STREAM, GROUP)).pending == 1
