"""Events of a version that a replica does not know, while a release rolls out."""

import asyncio
from typing import ClassVar

import pytest
from redis.asyncio import Redis

from shared.bus import Bus, DeadLetters, consumer as consumer_module, metrics
from shared.events.base import Event
from shared.redis import keys
from shared.runtime.health import Health
from tests.bus.events import GROUP, STREAM, Counted, Seen, consuming, raw
from tests.waiting import until


class CountedInWords(Event):
    """What a newer release makes of `Counted`."""

    type: ClassVar[str] = "test.counted"
    v: ClassVar[int] = 2
    stream: ClassVar[str] = STREAM
    number: int | None = None
    word: str = ""


class SeenWords(Seen):
    """A handler of the newer release."""

    async def __call__(self, event: CountedInWords, _: object) -> None:  # type: ignore[override]
        async with self._changed:
            self.numbers.append(event.number or len(event.word))
            self._changed.notify_all()


@pytest.fixture
def letters(redis: Redis) -> DeadLetters:
    return DeadLetters(redis, STREAM, GROUP)


def counted(result: str) -> float:
    return float(metrics.EVENTS.labels(STREAM, GROUP, result)._value.get())


async def test_a_newer_version_is_set_aside_at_once(redis: Redis, letters: DeadLetters) -> None:
    """It would be read wrongly, or be tried eight times and look like a fault."""
    before = counted("newer_version"), counted("dead"), counted("retried")
    event = CountedInWords(word="three")
    await Bus(redis, "test").publish(event)
    await Bus(redis, "test").publish(Counted(number=1))
    seen, health = Seen(), Health("leads", "a")
    async with consuming(redis, seen, health=health, concurrency=1):
        await seen.wait(1)
        (letter,) = await letters.list()
        assert seen.numbers == [1], "the next one is not held up"
        assert await redis.zcard(keys.retry_due(STREAM, GROUP)) == 0
    assert letter.why == "newer_version: test.counted is of version 2, this replica knows 1"
    assert (letter.event_id, letter.tries) == (event.id, 1)
    assert letter.fields["v"] == "2"
    assert counted("newer_version") == before[0] + 1
    assert (counted("dead"), counted("retried")) == before[1:]


async def test_a_replica_that_knows_the_version_takes_it_up_when_it_starts(
    redis: Redis, letters: DeadLetters
) -> None:
    """What was published during a release would wait for somebody who reads dead letters."""
    await Bus(redis, "test").publish(CountedInWords(word="three"))
    await raw(redis, Counted(number=1), data="not json")
    await raw(redis, Counted(number=1), v="3")
    async with consuming(redis, Seen()):
        await until(lambda: _count_is(letters, 3))
    newer = SeenWords()
    async with consuming(redis, {CountedInWords: newer}):
        await newer.wait(1)
    assert newer.numbers == [5]
    assert {letter.why.split(":")[0] for letter in await letters.list()} == {
        "permanent",
        "newer_version",
    }, "what is unreadable, or newer still, stays"


async def test_replicas_that_start_together_take_it_up_once(
    redis: Redis, letters: DeadLetters
) -> None:
    """Every replica of a release would handle it."""
    for _ in range(150):  # more than one page
        await Bus(redis, "test").publish(CountedInWords(word="three"))
    async with consuming(redis, Seen()):
        await until(lambda: _count_is(letters, 150))
    seen = SeenWords()
    async with (
        consuming(redis, {CountedInWords: seen}),
        consuming(redis, {CountedInWords: seen}),
        consuming(redis, {CountedInWords: seen}),
    ):
        await seen.wait(150)
        await until(lambda: _count_is(letters, 0))
    assert len(seen.numbers) == 150


async def test_what_old_replicas_go_on_to_set_aside_is_taken_up_too(
    redis: Redis, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new replica that started before the old ones ended would leave the rest lying."""
    monkeypatch.setattr(consumer_module, "MAINTENANCE_EVERY_S", 0.02)
    seen = SeenWords()
    async with (
        consuming(redis, Seen(), concurrency=50),
        consuming(redis, {CountedInWords: seen}, concurrency=1),
    ):
        for _ in range(20):
            await Bus(redis, "test").publish(CountedInWords(word="three"))
        await seen.wait(20, seconds=30)
        await until(lambda: _count_is(letters, 0))
    assert len(seen.numbers) == 20


async def test_an_older_version_is_read(redis: Redis) -> None:
    """What old replicas still publish would be given up by the new ones."""
    await raw(redis, Counted(number=4))
    seen = SeenWords()
    async with consuming(redis, {CountedInWords: seen}):
        await seen.wait(1)
    assert seen.numbers == [4]


async def test_an_entry_without_a_version_is_of_the_first(redis: Redis) -> None:
    """An event that somebody adds by hand would be lost for a number."""
    event = Counted(number=7)
    fields = {"type": event.type, "id": event.id, "data": '{"number": 7}'}
    await redis.xadd(STREAM, dict(fields))  # type: ignore[arg-type]
    seen = Seen()
    async with consuming(redis, seen):
        await seen.wait(1)
    assert seen.numbers == [7]


@pytest.mark.parametrize(
    "version", ["", "0", "-1", "1.0", "01", " 1", "1\n", "two", "२", "1e3", "9" * 5_000]
)
async def test_a_version_that_is_none_is_a_dead_letter(
    redis: Redis, letters: DeadLetters, version: str
) -> None:
    """It would stop the consumer, or be handled as something that it may not be."""
    await raw(redis, Counted(number=1), v=version)
    seen = Seen()
    async with consuming(redis, seen):
        await until(letters.count)
    (letter,) = await letters.list()
    assert letter.why.startswith("permanent: unreadable version")
    assert seen.contexts == []
    newer = SeenWords()
    async with consuming(redis, {CountedInWords: newer}):
        await Bus(redis, "test").publish(CountedInWords(word="one"))
        await newer.wait(1)
    assert await letters.count() == 1, "no release will ever know it"


async def test_an_unknown_type_of_a_newer_version_is_acknowledged(
    redis: Redis, letters: DeadLetters
) -> None:
    """A group would collect every event of others that it never wanted."""
    await raw(redis, Counted(number=1), type="test.unknown", v="7")
    await Bus(redis, "test").publish(Counted(number=2))
    seen = Seen()
    async with consuming(redis, seen, concurrency=1):
        await seen.wait(1)
    assert await letters.count() == 0


async def _count_is(letters: DeadLetters, count: int) -> bool:
    await asyncio.sleep(0)
    return await letters.count() == count
