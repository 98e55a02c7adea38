"""Writing the call log while Redis comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis import exceptions
from redis.asyncio import Redis

from services.agent.call.log_writer import CallLogWriter
from shared.calls import Calls, HeldCall
from shared.calls.log import CallLog, LogEntry, Turn
from shared.redis.client import connect
from shared.runtime.background import Background
from tests.agent.calls import open_call
from tests.valkey import Valkey


@asynccontextmanager
async def writing(redis: Redis, limit: int = 100) -> AsyncIterator[tuple[CallLogWriter, HeldCall]]:
    """A writer at work, for a call that is held."""
    call = await open_call(redis)
    held = await Calls(redis, source="agent").take(call.id, "test")
    writer = CallLogWriter(CallLog(redis), held, limit=limit)
    async with Background() as loops:
        loops.run("call log", writer.run)
        yield writer, held


def turn(text: str) -> Turn:
    return Turn(who="caller", text=text)


async def texts(redis: Redis, held: HeldCall) -> list[str]:
    read = await CallLog(redis).read(held.call_id)
    return [each.entry.text for each in read if isinstance(each.entry, Turn)]


async def test_what_is_said_while_redis_is_away_follows_in_order(own_valkey: Valkey) -> None:
    """A restart of Redis in the middle of a call leaves no hole in the transcript."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    async with writing(redis) as (log, held):
        log.write(turn("one"))
        assert await log.drain(2)
        own_valkey.kill()
        for text in ("two", "three", "four"):
            log.write(turn(text))
        assert not await log.drain(0.1)
        await asyncio.to_thread(own_valkey.start)
        assert await log.drain(5)
        assert await texts(redis, held) == ["one", "two", "three", "four"]
    await redis.aclose()


async def test_memory_is_bounded_and_the_newest_entries_are_kept(own_valkey: Valkey) -> None:
    """A Redis that is away for hours must not eat the machine's memory."""
    redis = connect(own_valkey.url, retries=0, timeout=0.5)
    async with writing(redis, limit=3) as (log, held):
        own_valkey.kill()
        for number in range(6):
            log.write(turn(str(number)))
        await asyncio.to_thread(own_valkey.start)
        assert await log.drain(5)
        assert await texts(redis, held) == ["3", "4", "5"]
    await redis.aclose()


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (exceptions.ReadOnlyError("READONLY You can't write against a read only replica."), True),
        (exceptions.ResponseError("ERR something that nobody has seen before"), False),
        (ValueError("a fault of our own"), False),
    ],
    ids=["readonly", "odd", "ours"],
)
async def test_one_entry_that_fails_does_not_hold_up_the_others(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, answer: Exception, kept: bool
) -> None:
    """The transcript of a whole call must not be lost because of one answer of Redis."""
    async with writing(redis) as (log, held):
        answers, append = [answer], CallLog.append_held

        async def odd(self: CallLog, of: HeldCall, entry: LogEntry) -> str:
            if answers:
                raise answers.pop()
            return await append(self, of, entry)

        monkeypatch.setattr(CallLog, "append_held", odd)
        log.write(turn("one"))
        log.write(turn("two"))
        assert await log.drain(3)
        assert await texts(redis, held) == (["one", "two"] if kept else ["two"])


async def test_who_has_lost_the_call_writes_no_more(redis: Redis) -> None:
    """Two agents on one call would tell the page two stories."""
    async with writing(redis) as (log, held):
        calls = Calls(redis, source="agent")
        await calls.release(held)
        await calls.take(held.call_id, "another")
        log.write(turn("too late"))
        await asyncio.wait_for(log.lost.wait(), 2)
        assert await texts(redis, held) == []
