"""Each script of a call alone, on a real Valkey: its answer, and what it leaves."""

import json
from typing import Any, cast

import pytest
from redis.asyncio import Redis

import shared.calls
from shared.events import CallEnded, CallRequested, LeadChanged
from shared.events.wire import for_script, from_fields
from shared.redis.client import now_ms
from tests.shared import lua

CALL, INDEX, DUE, CALLS, ROOM, LOG, LEAD, LEADS = (
    *("call", "index", "due", "calls", "room", "log", "lead", "leads"),
)
LONG_AGO = 1_763_806_530_123  # 13 digits, as times have
LEASE = 3_000


async def run(redis: Redis, name: str, keys: list[str], *args: Any) -> Any:
    return await lua.run(redis, shared.calls.__file__, name, keys, *args)


async def opened(redis: Redis, call_id: str = "c", room: str = "r", **fields: str) -> int:
    flat = [part for pair in {"room": room, **fields}.items() for part in pair]
    event = for_script(CallRequested(call_id=call_id, agent_id="default"), "test")
    keys = [call_id if call_id != "c" else CALL, INDEX, DUE, CALLS, ROOM]
    return int(await run(redis, "open", keys, 60, 30, 1_000, call_id, room, event, *flat))


async def active(redis: Redis, **changes: Any) -> None:
    """A call that attempt 2 holds, with a lease that has lapsed."""
    fields: dict[Any, Any] = {
        "state": "active",
        "attempt": 2,
        "owner": "b",
        "lease_ms": 1,
        "created_ms": LONG_AGO,
    }
    fields |= changes
    await redis.hset(CALL, mapping=fields)


def test_each_script_names_what_it_is_given_and_what_it_answers() -> None:
    """KEYS[3] means nothing to a reader."""
    assert lua.undocumented(shared.calls.__file__) == []


async def test_open_stores_publishes_and_is_due(redis: Redis) -> None:
    """A call without its event, or without a watchdog's look, would be nobody's."""
    before = await now_ms(redis)
    assert await opened(redis, user_name="ஆஷா", profile='{"a":[]}') == 1
    call = await lua.hash_of(redis, CALL)
    created = int(call.pop("created_ms"))
    assert before <= created <= await now_ms(redis)
    assert call == {
        "state": "requested",
        "attempt": "0",
        "lease_ms": "0",
        "room": "r",
        "user_name": "ஆஷா",
        "profile": '{"a":[]}',
    }
    assert await redis.zscore(INDEX, "c") == created
    assert await redis.zscore(DUE, "c") == created + 1_000
    assert await redis.get(ROOM) == "c"
    assert 0 < await redis.ttl(CALL) <= 60
    assert 0 < await redis.ttl(ROOM) <= 30
    [fields] = await lua.stream_of(redis, CALLS)
    assert list(fields) == ["type", "v", "id", "src", "traceparent", "data"]
    assert isinstance(from_fields(CallRequested, fields), CallRequested)


async def test_open_again_changes_nothing(redis: Redis) -> None:
    """The answer was lost and the command sent again: the agent in the call would lose it."""
    assert await opened(redis) == 1
    await redis.hset(CALL, "state", "active")
    assert await opened(redis) == 0
    assert await redis.hget(CALL, "state") == "active"
    assert len(await lua.stream_of(redis, CALLS)) == 1


@pytest.mark.parametrize("state", ["requested", "active", "ended"])
async def test_open_refuses_a_room_that_has_a_call(redis: Redis, state: str) -> None:
    """Two callers would hear each other, and the end of one call would be the end of both."""
    await opened(redis)
    await redis.hset(CALL, "state", state)
    assert await opened(redis, "another") == -1
    assert await redis.exists("another") == 0
    assert await redis.get(ROOM) == "c"
    assert len(await lua.stream_of(redis, CALLS)) == 1


async def test_open_refuses_the_same_call_in_another_room(redis: Redis) -> None:
    await opened(redis)
    await redis.delete(ROOM)
    assert await opened(redis, room="other") == -1
    assert await redis.hget(CALL, "room") == "r"


async def test_open_forgets_calls_whose_retention_is_over(redis: Redis) -> None:
    await redis.zadd(INDEX, {"old": LONG_AGO})
    await opened(redis)
    assert await redis.zrange(INDEX, 0, -1) == ["c"]


async def test_take_answers_the_attempt_and_who_else_has_the_call(redis: Redis) -> None:
    """Two agents would speak to one caller."""
    assert await run(redis, "take", [CALL, DUE], "c", "a", LEASE) == -2
    assert await redis.exists(CALL) == 0
    await opened(redis)
    assert await run(redis, "take", [CALL, DUE], "c", "a", LEASE) == 1
    assert await run(redis, "take", [CALL, DUE], "c", "b", LEASE) == -1
    assert await run(redis, "take", [CALL, DUE], "c", "a", LEASE) == 2, "the answer was lost"
    call = await lua.hash_of(redis, CALL)
    assert (call["state"], call["owner"], call["attempt"]) == ("active", "a", "2")
    assert await redis.zscore(DUE, "c") == int(call["lease_ms"])
    await redis.hset(CALL, "state", "ended")
    assert await run(redis, "take", [CALL, DUE], "c", "a", LEASE) == 0


async def test_take_keeps_when_the_call_started(redis: Redis) -> None:
    """A call that was handed over would seem shorter than it was."""
    await active(redis, started_ms=LONG_AGO)
    assert await run(redis, "take", [CALL, DUE], "c", "c", LEASE) == 3
    assert await redis.hget(CALL, "started_ms") == str(LONG_AGO)


@pytest.mark.parametrize("script", ["renew", "release"])
@pytest.mark.parametrize(
    ("changes", "attempt"),
    [({}, 1), ({}, 3), ({"state": "ended"}, 2), ({"state": "requested"}, 2), (None, 2)],
)
async def test_only_the_current_attempt_renews_and_releases(
    redis: Redis, script: str, changes: dict[str, str] | None, attempt: int
) -> None:
    """An agent that has lost the call would take it back."""
    if changes is not None:
        await active(redis, **changes)
    before = await lua.hash_of(redis, CALL)
    assert await run(redis, script, [CALL, DUE], "c", attempt, LEASE) == 0
    assert await lua.hash_of(redis, CALL) == before
    assert await redis.zcard(DUE) == 0


async def test_renew_wins_though_late_and_release_lapses_at_once(redis: Redis) -> None:
    await active(redis)
    assert await run(redis, "renew", [CALL, DUE], "c", 2, LEASE) == 1
    now = await now_ms(redis)
    assert now < int(str(await redis.hget(CALL, "lease_ms"))) <= now + LEASE
    assert await run(redis, "release", [CALL, DUE], "c", 2) == 1
    lapsed = int(str(await redis.hget(CALL, "lease_ms")))
    assert now <= lapsed <= await now_ms(redis)
    assert await redis.zscore(DUE, "c") == lapsed


async def test_joined_counts_once(redis: Redis) -> None:
    """The wait for an agent would begin anew at each look."""
    assert await run(redis, "joined", [CALL, DUE], "c", 5_000) == 0
    await opened(redis)
    assert await run(redis, "joined", [CALL, DUE], "c", 5_000) == 1
    joined = int(str(await redis.hget(CALL, "joined_ms")))
    assert await redis.zscore(DUE, "c") == joined + 5_000
    assert await run(redis, "joined", [CALL, DUE], "c", 5_000) == 0


async def test_joined_leaves_the_due_time_of_a_call_that_an_agent_holds(redis: Redis) -> None:
    """The look at a lapsed lease would come late."""
    await active(redis)
    assert await run(redis, "joined", [CALL, DUE], "c", 5_000) == 1
    assert await redis.zcard(DUE) == 0


async def test_claim_due_hides_what_it_gives(redis: Redis) -> None:
    """Two gateways would dispatch an agent each."""
    now = await now_ms(redis)
    await redis.zadd(DUE, {"a": 1, "b": 2, "later": now + 60_000})
    assert await run(redis, "claim_due", [DUE], 2_000, 1) == ["a"]
    assert await run(redis, "claim_due", [DUE], 2_000, 9) == ["b"]
    assert await run(redis, "claim_due", [DUE], 2_000, 9) == []
    assert (await redis.zscore(DUE, "a") or 0) >= now + 2_000


async def end(redis: Redis, attempt: str = "") -> list[Any]:
    ended = CallEnded(call_id="c", how="failed", outcome="no_lead", duration_ms=0)
    lead = LeadChanged(lead_id="l", call_id="c", revision=0, postable=True)
    answer = await run(
        *(redis, "end", [CALL, DUE, CALLS, LOG, LEAD, LEADS], "c", "failed", attempt, 60),
        '{"how":"failed"}',
        for_script(ended, "test", without={"outcome", "duration_ms"}),
        for_script(lead, "test", without={"revision"}),
    )
    return list(answer)


async def test_end_says_the_same_in_call_log_and_event(redis: Redis) -> None:
    await active(redis)
    await redis.zadd(DUE, {"c": 1})
    assert await end(redis, "2") == [1, "no_lead"]
    call = await lua.hash_of(redis, CALL)
    duration = int(call["ended_ms"]) - LONG_AGO
    assert (call["state"], call["how"], call["outcome"]) == ("ended", "failed", "no_lead")
    assert await redis.zcard(DUE) == 0
    [entry] = await lua.stream_of(redis, LOG)
    assert entry["type"] == "ended"
    assert json.loads(entry["data"]) == {
        "how": "failed",
        "outcome": "no_lead",
        "duration_ms": duration,
        "at_ms": int(call["ended_ms"]),
    }
    assert 0 < await redis.ttl(LOG) <= 60
    [fields] = await lua.stream_of(redis, CALLS)
    assert list(fields) == ["type", "v", "id", "src", "traceparent", "data"]
    event = from_fields(CallEnded, fields)
    assert isinstance(event, CallEnded)
    assert (event.call_id, event.how, event.outcome) == ("c", "failed", "no_lead")
    assert event.duration_ms == duration, "13 digits less 13 digits, to the last one"
    assert await redis.exists(LEADS, LEAD) == 0


async def test_end_counts_from_the_first_agent(redis: Redis) -> None:
    await active(redis, started_ms=LONG_AGO + 1_000)
    await end(redis)
    [fields] = await lua.stream_of(redis, CALLS)
    ended = int(str(await redis.hget(CALL, "ended_ms")))
    assert json.loads(fields["data"])["duration_ms"] == ended - LONG_AGO - 1_000


@pytest.mark.parametrize(
    ("complete", "outcome", "sent"), [("1", "lead_complete", []), ("0", "lead_partial", [7])]
)
async def test_end_sends_a_lead_that_is_not_complete(
    redis: Redis, complete: str, outcome: str, sent: list[int]
) -> None:
    """A caller who hung up after giving a number is still a lead, and one is not sent twice."""
    await active(redis)
    await redis.hset(LEAD, mapping={"revision": 7, "complete": complete})
    assert await end(redis) == [1, outcome]
    events = [from_fields(LeadChanged, fields) for fields in await lua.stream_of(redis, LEADS)]
    assert [event.revision for event in events if isinstance(event, LeadChanged)] == sent
    assert all(event.postable for event in events if isinstance(event, LeadChanged))
    assert (await redis.hget(LEAD, "final") == "1") is bool(sent)


async def test_end_is_once_and_only_for_who_holds_the_call(redis: Redis) -> None:
    assert await end(redis) == [0, ""], "no such call"
    await active(redis)
    assert await end(redis, "1") == [-1, ""]
    assert await redis.exists(CALLS, LOG) == 0
    assert await end(redis, "2") == [1, "no_lead"]
    assert await end(redis) == [0, "failed"]
    assert await end(redis, "1") == [0, "failed"]
    assert len(await lua.stream_of(redis, CALLS)) == 1


async def test_append_log_takes_an_agent_only_while_it_holds_the_call(redis: Redis) -> None:
    """Two agents in one log would show a conversation that never was."""
    await active(redis)
    arguments = (60, "turn", '{"text":"ஆம்","marks":[]}')
    assert await run(redis, "append_log", [LOG, CALL], "1", *arguments) is None
    entry_id = await run(redis, "append_log", [LOG, CALL], "2", *arguments)
    await redis.hset(CALL, "state", "ended")
    assert await run(redis, "append_log", [LOG, CALL], "2", *arguments) is None
    assert await run(redis, "append_log", [LOG, CALL], "", *arguments), "the gateway may"
    [first, _] = cast("Any", await redis.xrange(LOG))
    assert tuple(first) == (
        entry_id,
        {"type": "turn", "data": '{"text":"ஆம்","marks":[]}'},
    )
    assert 0 < await redis.ttl(LOG) <= 60
