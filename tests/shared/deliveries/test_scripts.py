"""The scripts of deliveries alone, on a real Valkey."""

import json
from typing import Any

import pytest
from redis.asyncio import Redis

import shared.deliveries
from shared.redis.client import now_ms
from tests.shared import lua

DELIVERY, DUE, DEAD, PARKED = "delivery", "due", "dead", "parked"
ENTRY = '{"destination":"d","subject":"s","state":"scheduled"}'


async def replay(redis: Redis) -> int:
    return int(
        await lua.run(
            *(redis, shared.deliveries.__file__, "replay", [DELIVERY, DUE, DEAD, PARKED]),
            *("s", "call:%s:log", ENTRY),
        )
    )


async def delivery(redis: Redis, state: str, **more: Any) -> None:
    fields: dict[Any, Any] = {
        "wanted": 3,
        "call_id": "c",
        "3:state": state,
        "3:tries": 9,
        "3:first_ms": 1,
    }
    fields |= more
    await redis.hset(DELIVERY, mapping=fields)


def test_each_script_names_what_it_is_given_and_what_it_answers() -> None:
    assert lua.undocumented(shared.deliveries.__file__) == []


@pytest.mark.parametrize("state", ["dead", "parked", "unconfirmed", "retrying"])
async def test_replay_is_due_at_once_with_its_whole_budget(redis: Redis, state: str) -> None:
    await delivery(redis, state)
    for key in (DEAD, PARKED):
        await redis.zadd(key, {"s.3": 1})
    await redis.xadd("call:c:log", {"type": "x"})
    before = await now_ms(redis)
    assert await replay(redis) == 1
    found = await lua.hash_of(redis, DELIVERY)
    assert (found["3:state"], found["3:tries"], found.get("3:first_ms")) == ("scheduled", "0", None)
    assert before <= (await redis.zscore(DUE, "s.3") or 0) <= await now_ms(redis)
    assert await redis.zcard(DEAD) == await redis.zcard(PARKED) == 0
    [_, entry] = await lua.stream_of(redis, "call:c:log")
    told = json.loads(entry["data"])
    assert before <= told.pop("at_ms") <= await now_ms(redis)
    assert told == {"destination": "d", "subject": "s", "state": "scheduled", "revision": 3}


@pytest.mark.parametrize("state", ["scheduled", "posting", "acknowledged", "superseded", "erased"])
async def test_replay_leaves_what_has_arrived_or_is_on_its_way(redis: Redis, state: str) -> None:
    """N8N would be sent a lead twice at once."""
    await delivery(redis, state)
    before = await lua.hash_of(redis, DELIVERY)
    assert await replay(redis) == 0
    assert await lua.hash_of(redis, DELIVERY) == before
    assert await redis.zcard(DUE) == 0


async def test_replay_waits_for_an_attempt_that_may_still_be_at_work(redis: Redis) -> None:
    later = await now_ms(redis) + 60_000
    await delivery(redis, "dead", **{"3:not_before": later})
    assert await replay(redis) == 1
    assert await redis.zscore(DUE, "s.3") == later


async def test_replay_does_not_bring_an_erased_log_back(redis: Redis) -> None:
    """A caller who was erased would have a log again."""
    await delivery(redis, "dead")
    await replay(redis)
    assert await redis.exists("call:c:log") == 0


async def test_replay_of_what_was_never_to_be_sent(redis: Redis) -> None:
    assert await replay(redis) == -1
    assert await redis.exists(DELIVERY) == 0


async def test_in_state_tells_the_newest_revisions_state(redis: Redis) -> None:
    for subject, state in (("a", "dead"), ("b", "parked"), ("c", "dead")):
        fields: dict[Any, Any] = {"wanted": 3, "2:state": "dead", "3:state": state}
        await redis.hset(f"delivery:{subject}", mapping=fields)

    async def ask(state: str) -> Any:
        arguments = ("delivery:%s", state, "c", "gone", "b", "a")
        return await lua.run(redis, shared.deliveries.__file__, "in_state", [], *arguments)

    assert await ask("dead") == [["c", "a"], ["gone"]]
    assert await ask("parked") == [["b"], ["gone"]]
    assert await ask("") == [["c", "b", "a"], ["gone"]], "any"
    assert await ask("posting") == [[], ["gone"]]
