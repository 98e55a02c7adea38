"""What a consumer does with entries, on a real Valkey."""

import asyncio

import pytest
from redis.asyncio import Redis

from shared.backoff import Backoff
from shared.bus import Bus, Consumer, Context, DeadLetters, read_group_stats
from shared.errors import Permanent
from shared.events.calls import CallEnded
from shared.redis import keys
from tests.bus.events import GROUP, QUICK, STREAM, Counted, Other, Seen, consuming, raw
from tests.waiting import until


async def test_what_was_published_before_the_first_consumer_is_delivered(redis: Redis) -> None:
    """A lead captured before the leads service ever started would be lost."""
    bus = Bus(redis, "test")
    for number in range(5):
        await bus.publish(Counted(number=number), traceparent="00-a-b-01")
    seen = Seen()
    async with consuming(redis, seen, concurrency=1):
        await seen.wait(5)
    assert seen.numbers == [0, 1, 2, 3, 4]
    assert seen.contexts[0].source == "test"
    assert seen.contexts[0].traceparent == "00-a-b-01"
    assert (await read_group_stats(redis, STREAM, GROUP)).pending == 0


async def test_no_more_is_read_than_there_are_free_workers(redis: Redis) -> None:
    """A consumer that hoards a backlog keeps it from its peers, and from all when it dies."""
    bus = Bus(redis, "test")
    for number in range(20):
        await bus.publish(Counted(number=number))
    release = asyncio.Event()
    started = asyncio.Semaphore(0)

    async def hold(_: Counted, __: Context) -> None:
        started.release()
        await release.wait()

    seen = Seen(hold)
    async with consuming(redis, seen, concurrency=3):
        for _ in range(3):
            await started.acquire()
        stats = await read_group_stats(redis, STREAM, GROUP)
        assert (stats.pending, stats.lag) == (3, 17)
        release.set()
        await seen.wait(20)
    assert sorted(seen.numbers) == list(range(20))


async def test_each_group_gets_every_event(redis: Redis) -> None:
    """One service's reading would take events away from another."""
    one, two = Seen(), Seen()
    async with consuming(redis, one, group="one"), consuming(redis, two, group="two"):
        await Bus(redis, "test").publish(Counted(number=1))
        await one.wait(1)
        await two.wait(1)


async def test_a_duplicate_is_dropped_on_its_first_delivery(redis: Redis) -> None:
    """A publisher's retry after a lost connection would make an event happen twice."""
    event = Counted(number=1)
    for _ in range(3):
        await raw(redis, event)
    await raw(redis, Counted(number=2))
    seen = Seen()
    async with consuming(redis, seen, concurrency=1):
        await seen.wait(2)
    assert seen.numbers == [1, 2]
    assert (await read_group_stats(redis, STREAM, GROUP)).pending == 0


async def test_a_duplicate_waits_while_the_first_is_in_hand(redis: Redis) -> None:
    """Two entries of one event would run at the same time."""
    event = Counted(number=1)
    for _ in range(2):
        await raw(redis, event)
    release, begun = asyncio.Event(), asyncio.Event()

    async def hold(_: Counted, __: Context) -> None:
        begun.set()
        await release.wait()

    seen = Seen(hold)
    async with consuming(redis, seen):
        await begun.wait()
        await until(lambda: redis.zcard(keys.retry_due(STREAM, GROUP)))
        release.set()
        await seen.wait(1)
        await until(lambda: _all_handled(redis))
    assert seen.numbers == [1]


async def _all_handled(redis: Redis) -> bool:
    stats = await read_group_stats(redis, STREAM, GROUP)
    return stats.lag == stats.pending == stats.scheduled == 0


async def test_a_failure_is_tried_again_later_and_blocks_nothing(redis: Redis) -> None:
    """One event that fails would hold up all others, or be hammered without a pause."""
    failures = {1: 2}

    async def fail_twice(event: Counted, _: Context) -> None:
        if failures.get(event.number, 0):
            failures[event.number] -= 1
            raise RuntimeError("not yet")

    seen, other = Seen(fail_twice), Seen()
    for number in (1, 2, 3):
        await Bus(redis, "test").publish(Counted(number=number))
    late = Backoff(0.4, 0.4, (1, 1))
    async with (
        consuming(redis, seen, concurrency=1, backoff=late),
        consuming(redis, other, group="other"),
    ):
        await seen.wait(3)
        await other.wait(3)
    assert seen.numbers == [2, 3, 1]
    assert [context.attempt for context in seen.contexts] == [1, 1, 1, 2, 3]
    assert sorted(other.numbers) == [1, 2, 3], "another group never sees a retry"
    assert await _all_handled(redis)


async def test_a_spent_budget_makes_a_dead_letter_that_can_be_replayed(redis: Redis) -> None:
    """An event that fails for ever would never be seen by anybody, or be gone."""
    broken = True

    async def fail(_: Counted, __: Context) -> None:
        if broken:
            raise RuntimeError("+919876543210 was said")

    seen = Seen(fail)
    letters = DeadLetters(redis, STREAM, GROUP)
    async with consuming(redis, seen):
        event = Counted(number=7)
        await Bus(redis, "test").publish(event)
        await until(letters.count)
        (letter,) = await letters.list()
        assert letter.event_id == event.id
        assert letter.tries == QUICK.tries
        assert letter.why == "RuntimeError, 3 times", "what a handler says may be personal"
        assert (await read_group_stats(redis, STREAM, GROUP)).dead == 1
        broken = False
        assert await letters.replay(letter.id)
        await seen.wait(1)
        assert not await letters.replay(letter.id), "a second click does nothing"
    assert await letters.count() == 0
    assert seen.contexts[-1].attempt == 1, "a replay has the whole budget again"


async def test_a_permanent_error_is_not_tried_again(redis: Redis) -> None:
    """Useless tries would delay the moment at which people learn of the fault."""

    async def refuse(_: Counted, __: Context) -> None:
        raise Permanent("no such thing", code="no_such_thing")

    seen = Seen(refuse)
    letters = DeadLetters(redis, STREAM, GROUP)
    async with consuming(redis, seen):
        await Bus(redis, "test").publish(Counted(number=1))
        await until(letters.count)
    assert len(seen.contexts) == 1
    assert (await letters.list())[0].why == "no_such_thing: no such thing"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"data": "not json"}, "permanent: unreadable test.counted: JSONDecodeError"),
        ({"data": '{"number": "many"}'}, "permanent: unreadable test.counted: ValidationError"),
        ({"id": ""}, "malformed: no type or no id"),
        ({"type": ""}, "malformed: no type or no id"),
    ],
)
async def test_a_malformed_entry_is_a_dead_letter(
    redis: Redis, fields: dict[str, str], why: str
) -> None:
    """It would stay pending for ever, or stop the consumer."""
    await raw(redis, Counted(number=1), **fields)
    await redis.xadd(STREAM, {b"type": b"\xff\xfe", b"id": b"\xff"})
    await Bus(redis, "test").publish(Counted(number=2))
    seen = Seen()
    async with consuming(redis, seen):
        await seen.wait(1)
        letters = DeadLetters(redis, STREAM, GROUP)
        await until(letters.count)
    assert seen.numbers == [2]
    assert [letter.why for letter in await letters.list()] == [why]
    assert await _all_handled(redis)


async def test_an_unknown_type_is_acknowledged(redis: Redis) -> None:
    """A rolling deploy, whose newer half publishes new events, would poison the older half."""
    await Bus(redis, "test").publish(Other())
    await Bus(redis, "test").publish(Counted(number=1))
    seen = Seen()
    async with consuming(redis, seen, concurrency=1):
        await seen.wait(1)
    assert await _all_handled(redis)
    assert await DeadLetters(redis, STREAM, GROUP).count() == 0


async def test_a_field_that_is_not_known_is_ignored(redis: Redis) -> None:
    """A field that a newer publisher added would stop an older reader."""
    event = Counted(number=4)
    await raw(redis, event, data='{"number": 4, "at": "2026-01-01T00:00:00Z", "new": 1}')
    seen = Seen()
    async with consuming(redis, seen):
        await seen.wait(1)
    assert seen.numbers == [4]


async def test_a_handler_may_acknowledge_by_itself(redis: Redis) -> None:
    """The leads service could not record and acknowledge in one step."""

    async def acknowledge(_: Counted, context: Context) -> None:
        await redis.xack(context.stream, context.group, context.entry_id)
        context.acknowledged = True

    seen = Seen(acknowledge)
    async with consuming(redis, seen, deduplicate=False):
        await Bus(redis, "test").publish(Counted(number=1))
        await seen.wait(1)
    assert await _all_handled(redis)
    assert [key async for key in redis.scan_iter(keys.handled(GROUP, "*"))] == []


async def test_a_handler_that_hangs_is_given_up(redis: Redis) -> None:
    """It would hold its entry and its worker for ever."""
    hung = asyncio.Event()

    async def hang(_: Counted, context: Context) -> None:
        if context.attempt == 1:
            await hung.wait()

    seen = Seen(hang)
    async with consuming(redis, seen, timeout=0.05):
        await Bus(redis, "test").publish(Counted(number=1))
        await seen.wait(1)
    assert seen.contexts[-1].attempt == 2


async def test_events_of_another_stream_are_refused_at_once(redis: Redis) -> None:
    """A handler registered with the wrong stream would wait for ever, silently."""
    with pytest.raises(ValueError, match=r"call\.ended"):
        Consumer(redis, STREAM, GROUP, {CallEnded: Seen()})
