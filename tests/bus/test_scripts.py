"""Each script of the bus alone, on a real Valkey: its answer, and what it leaves."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

import shared.bus
from shared.redis.client import now_ms
from shared.redis.scripts import load_script

FOLDER = Path(shared.bus.__file__).parent
STREAM, RETRY, DUE, DEAD, HANDLED = "s", "s:retry", "s:due", "s:dead", "handled"
LIBRARIES = {
    "schedule_retry": ["owned"],
    "dead_letter": ["owned"],
    "trim": ["info"],
    "remove_idle_consumers": ["info"],
}


async def run(redis: Redis, name: str, keys: list[str], *args: Any) -> Any:
    script = load_script(redis, shared.bus.__file__, name, *LIBRARIES.get(name, []))
    return await script(keys=keys, args=list(args))


@pytest.fixture
async def entry(redis: Redis) -> str:
    """The id of an entry that consumer `me` of group `g` has in hand."""
    entry_id = str(await redis.xadd(STREAM, {"type": "t", "n": "1"}))
    await redis.xgroup_create(STREAM, "g", id="0")
    await redis.xreadgroup("g", "me", {STREAM: ">"})
    return entry_id


async def entries(redis: Redis, stream: str) -> list[tuple[str, dict[str, str]]]:
    return cast("list[tuple[str, dict[str, str]]]", await redis.xrange(stream))


async def pending(redis: Redis) -> dict[str, str]:
    """Entry id -> the consumer that has it in hand."""
    found = cast("Any", await redis.xpending_range(STREAM, "g", "-", "+", 100))
    return {each["message_id"]: each["consumer"] for each in found}


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.lua")), ids=lambda path: path.stem)
def test_a_script_names_what_it_is_given_and_what_it_answers(script: Path) -> None:
    """KEYS[3] means nothing to a reader."""
    if script.stem in {library for names in LIBRARIES.values() for library in names}:
        return
    comments = script.read_text("utf-8").partition("\nlocal")[0]
    for word in ("-- KEYS ", "-- ARGV ", "-- Answer: "):
        assert word in comments


# begin, done


async def test_begin_lets_one_entry_of_an_event_in(redis: Redis) -> None:
    """An event that was published twice would be handled twice at once."""
    assert await run(redis, "begin", [HANDLED], "1-0", 5_000) == "go"
    assert 4_000 < await redis.pttl(HANDLED) <= 5_000
    assert await run(redis, "begin", [HANDLED], "1-0", 5_000) == "go", "a command that was repeated"
    assert await run(redis, "begin", [HANDLED], "2-0", 5_000) == "busy"


async def test_done_acknowledges_and_remembers(redis: Redis, entry: str) -> None:
    """The duplicate that comes a moment later would be handled again."""
    assert await run(redis, "done", [STREAM, HANDLED], "g", entry, 60_000) == 1
    assert await pending(redis) == {}
    assert await run(redis, "begin", [HANDLED], "2-0", 5_000) == "done"
    assert 59_000 < await redis.pttl(HANDLED) <= 60_000
    assert await run(redis, "done", [STREAM, HANDLED], "g", entry, 60_000) == 0


# schedule_retry, promote_due


async def test_a_retry_leaves_the_stream_in_one_step(redis: Redis, entry: str) -> None:
    """An entry that is acknowledged and not scheduled is lost; the reverse is handled twice."""
    await redis.set(HANDLED, entry)
    before = await now_ms(redis)
    due = await run(
        redis, "schedule_retry", [STREAM, DUE, HANDLED], "g", entry, "me", 1_500, '["n","1"]'
    )
    assert before + 1_500 <= due <= await now_ms(redis) + 1_500
    assert await redis.zrange(DUE, 0, -1, withscores=True) == [('["n","1"]', float(due))]
    assert await pending(redis) == {}
    assert await redis.get(HANDLED) is None, "the next try may begin"


@pytest.mark.parametrize("consumer", ["thief", "me"])
async def test_nothing_is_taken_from_a_consumer_that_does_not_hold_it(
    redis: Redis, entry: str, consumer: str
) -> None:
    """A consumer that was frozen would schedule, or give up, what another one handles."""
    if consumer == "me":
        await redis.xclaim(STREAM, "g", "thief", 0, [entry])
    await redis.set(HANDLED, "of another entry")
    args = ["g", entry, consumer]
    if consumer == "thief":
        await redis.xack(STREAM, "g", entry)
    was = await pending(redis)
    keys = [STREAM, DUE, HANDLED]
    assert await run(redis, "schedule_retry", keys, *args, 0, '["n","1"]') == 0
    assert await run(redis, "dead_letter", [STREAM, DEAD, HANDLED], *args, "n", "1") is None
    assert await redis.exists(DUE, DEAD) == 0
    assert await pending(redis) == was
    assert await redis.get(HANDLED) == "of another entry"


async def test_what_is_due_comes_back_in_order_and_the_rest_waits(redis: Redis) -> None:
    """A retry that is not due yet would be hammered, and one that is due would be forgotten."""
    now = await now_ms(redis)
    members = {json.dumps(["n", str(n)]): now + offset for n, offset in enumerate((-2, -1, 90_000))}
    await redis.zadd(DUE, members)
    assert await run(redis, "promote_due", [DUE, RETRY], 1) == [1, now - 1], "no more than asked"
    assert await run(redis, "promote_due", [DUE, RETRY], 100) == [1, now + 90_000]
    assert [fields for _, fields in await entries(redis, RETRY)] == [{"n": "0"}, {"n": "1"}]
    assert await redis.zcard(DUE) == 1
    assert await run(redis, "promote_due", ["nothing", RETRY], 100) == [0, -1]


@pytest.mark.parametrize("member", ["not json", "[]", '["n"]', '"text"', "7", '{"n":"1"}', "null"])
async def test_a_retry_that_cannot_be_read_holds_up_no_other(redis: Redis, member: str) -> None:
    """Every retry of the group would wait behind it for ever."""
    await redis.zadd(DUE, {member: 1, '["n","2"]': 2})
    assert await run(redis, "promote_due", [DUE, RETRY], 100) == [2, -1]
    assert [fields for _, fields in await entries(redis, RETRY)] == [
        {"malformed": member},
        {"n": "2"},
    ]


# dead_letter, replay


async def test_a_dead_letter_leaves_the_stream_in_one_step(redis: Redis, entry: str) -> None:
    """What is given up would be seen by nobody, or be handled for ever."""
    await redis.set(HANDLED, entry)
    before = await now_ms(redis)
    fields = ["type", "t", "data", '{"name":"आशा","list":[]}', "why", "because"]
    letter_id = await run(redis, "dead_letter", [STREAM, DEAD, HANDLED], "g", entry, "me", *fields)
    ((stored_id, letter),) = await entries(redis, DEAD)
    assert stored_id == letter_id
    assert before <= int(letter.pop("dead_ms")) <= await now_ms(redis)
    assert letter == {"type": "t", "data": '{"name":"आशा","list":[]}', "why": "because"}
    assert await pending(redis) == {}
    assert await redis.get(HANDLED) is None


async def test_a_letter_is_replayed_once(redis: Redis) -> None:
    """Two clicks, or two replicas that start, would handle it twice."""
    letter_id = str(await redis.xadd(DEAD, {"n": "1"}))
    assert await run(redis, "replay", [DEAD, RETRY], letter_id, "n", "1", "m", "") == 1
    assert await run(redis, "replay", [DEAD, RETRY], letter_id, "n", "1", "m", "") == 0
    assert [fields for _, fields in await entries(redis, RETRY)] == [{"n": "1", "m": ""}]
    assert await redis.xlen(DEAD) == 0


# claim, heartbeat


async def test_a_claim_takes_what_is_silent_and_counts_it(redis: Redis, entry: str) -> None:
    """An event that kills its consumers would never be found out."""
    assert await run(redis, "claim", [STREAM], "g", "you", 60_000, "0-0", 10) == ["0-0"]
    await redis.xclaim(STREAM, "g", "me", 0, [entry], idle=61_000, justid=True)
    answer = await run(redis, "claim", [STREAM], "g", "you", 60_000, "0-0", 10)
    assert answer == ["0-0", [entry, ["type", "t", "n", "1"], 2]]
    assert await pending(redis) == {entry: "you"}


async def test_a_claim_goes_on_where_it_stopped(redis: Redis, entry: str) -> None:
    """The first few of a thousand orphans would be claimed again and again."""
    second = str(await redis.xadd(STREAM, {"n": "2"}))
    await redis.xreadgroup("g", "me", {STREAM: ">"})
    cursor, (first_id, *_) = await run(redis, "claim", [STREAM], "g", "you", 0, "0-0", 1)
    assert (cursor, first_id) == (second, entry)
    cursor, (second_id, *_) = await run(redis, "claim", [STREAM], "g", "you", 0, cursor, 1)
    assert (cursor, second_id) == ("0-0", second)


async def test_a_claim_passes_over_what_was_deleted(redis: Redis, entry: str) -> None:
    """Somebody who deletes an entry by hand would stop the group."""
    await redis.xdel(STREAM, entry)
    assert await run(redis, "claim", [STREAM], "g", "you", 0, "0-0", 10) == ["0-0"]
    assert await pending(redis) == {}


async def test_without_the_group_a_claim_says_so(redis: Redis) -> None:
    """The consumer could not know that it has to make its group again."""
    with pytest.raises(ResponseError, match="NOGROUP"):
        await run(redis, "claim", [STREAM], "g", "you", 0, "0-0", 10)


async def test_a_heartbeat_keeps_what_is_ours_and_names_what_is_lost(
    redis: Redis, entry: str
) -> None:
    """A slow handler would lose its entry, or go on with one that another consumer has."""
    lost = str(await redis.xadd(STREAM, {"n": "2"}))
    done = str(await redis.xadd(STREAM, {"n": "3"}))
    await redis.xreadgroup("g", "me", {STREAM: ">"})
    await redis.xclaim(STREAM, "g", "thief", 0, [lost])
    await redis.xack(STREAM, "g", done)
    await redis.xclaim(STREAM, "g", "me", 0, [entry], idle=61_000, justid=True)
    await redis.set("handled:1", entry, px=1_000)
    await redis.set("handled:2", "thief's", px=1_000)
    await redis.set("handled:3", "done", px=1_000)
    keys = [STREAM, "handled:1", "handled:2", "handled:3"]
    assert await run(redis, "heartbeat", keys, "g", "me", 50_000, entry, lost, done) == [lost]
    (mine,) = cast("Any", await redis.xpending_range(STREAM, "g", entry, entry, 1))
    assert mine["time_since_delivered"] < 60_000
    assert mine["times_delivered"] == 1, "a sign of life is no delivery"
    assert await redis.pttl("handled:1") > 40_000
    assert await redis.pttl("handled:2") <= 1_000
    assert await redis.pttl("handled:3") <= 1_000
    assert await pending(redis) == {entry: "me", lost: "thief"}


# remove_idle_consumers, trim


async def test_only_consumers_that_are_idle_and_hold_nothing_are_removed(
    redis: Redis, entry: str
) -> None:
    """Deleting a consumer deletes what it holds: a lost lead."""
    await redis.xgroup_createconsumer(STREAM, "g", "gone")
    assert await run(redis, "remove_idle_consumers", [STREAM], "g", 60_000) == []
    assert await run(redis, "remove_idle_consumers", [STREAM], "g", 0) == ["gone"]
    assert await pending(redis) == {entry: "me"}
    assert await run(redis, "remove_idle_consumers", ["nothing"], "g", 0) == []


async def test_trimming_stops_at_what_some_group_needs(redis: Redis, entry: str) -> None:
    """A slow group would lose events that a quick one has handled."""
    ids = [entry, *[str(await redis.xadd(STREAM, {"n": str(n)})) for n in range(4)]]
    await redis.xreadgroup("g", "me", {STREAM: ">"})
    assert await run(redis, "trim", [STREAM], 0, 0) == 0, "the oldest is in hand"
    await redis.xack(STREAM, "g", *ids[:3])
    assert await run(redis, "trim", [STREAM], 3_600_000, 0) == 0, "all are young"
    assert await run(redis, "trim", [STREAM], 10**13, 0) == 0, "older than 1970"
    assert await run(redis, "trim", [STREAM], 0, 0) == 3
    assert [entry_id for entry_id, _ in await entries(redis, STREAM)] == ids[3:]
    assert await run(redis, "trim", ["nothing"], 0, 0) == 0


async def test_trimming_compares_ids_as_numbers(redis: Redis) -> None:
    """As text 9-0 comes after 10-0, and an entry that is needed would go."""
    for entry_id in ("9-9", "9-10", "10-0"):
        await redis.xadd(STREAM, {"n": "1"}, id=entry_id)
    await redis.xgroup_create(STREAM, "g", id="0")
    await redis.xreadgroup("g", "me", {STREAM: ">"}, count=2)
    await redis.xack(STREAM, "g", "9-9")
    assert await run(redis, "trim", [STREAM], 0, 0) == 1
    assert [entry_id for entry_id, _ in await entries(redis, STREAM)] == ["9-10", "10-0"]
