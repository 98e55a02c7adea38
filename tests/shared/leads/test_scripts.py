"""merge.lua alone, on a real Valkey."""

import json
from typing import Any

import pytest
from redis.asyncio import Redis

import shared.leads
from shared.events import LeadChanged
from shared.events.wire import for_script, from_fields
from shared.redis.client import now_ms
from tests.shared import lua

LEAD, LEADS, LOG, CALL, INDEX = "lead", "leads", "log", "call", "index"
CONTEXT = '{"lead_id":"l","required":["name"],"empty":[]}'


async def merge(
    redis: Redis, *changes: tuple[str, Any, int, int], required: str = '["name"]', known: int = 1
) -> list[int]:
    event = LeadChanged(lead_id="l", call_id="c", revision=0, postable=False)
    flat = [
        each
        for field, value, attempt, sequence in changes
        for each in (field, json.dumps(value), attempt, sequence, "caller", known)
    ]
    answer = await lua.run(
        *(redis, shared.leads.__file__, "merge", [LEAD, LEADS, LOG, CALL, INDEX]),
        *(CONTEXT, required, 60, "l", '{"lead_id":"l"}'),
        for_script(event, "test", without={"revision", "postable"}),
        *flat,
    )
    return [int(part) for part in answer]


def test_the_script_names_what_it_is_given_and_what_it_answers() -> None:
    assert lua.undocumented(shared.leads.__file__) == []


async def test_merge_keeps_values_exactly_and_tells_of_them_exactly(redis: Redis) -> None:
    """An empty list that becomes an object, or a time that loses digits, is another lead."""
    values = {"when": 1_763_806_530_123, "wants": [], "more": {}, "big": 9_007_199_254_740_993}
    before = await now_ms(redis)
    changes = [(name, value, 1, number) for number, (name, value) in enumerate(values.items())]
    assert await merge(redis, *changes) == [1, 0, 1]
    lead = await lua.hash_of(redis, LEAD)
    assert {name: json.loads(lead[f"v:{name}"]) for name in values} == values
    assert lead["context"] == CONTEXT
    assert before <= int(lead["captured_ms"]) <= await now_ms(redis)
    [entry] = await lua.stream_of(redis, LOG)
    assert json.loads(entry["data"]) == {
        "lead_id": "l",
        "revision": 1,
        "complete": False,
        "changed": values,
    }
    assert list(json.loads(entry["data"])["changed"]) == list(values), "in the order they were said"
    [fields] = await lua.stream_of(redis, LEADS)
    assert list(fields) == ["type", "v", "id", "src", "traceparent", "data"]
    event = from_fields(LeadChanged, fields)
    assert isinstance(event, LeadChanged)
    assert (event.lead_id, event.call_id, event.revision, event.postable) == ("l", "c", 1, False)
    assert 0 < await redis.ttl(LEAD) <= 60


async def test_merge_takes_any_name_of_a_field(redis: Redis) -> None:
    """One odd name would make the whole entry unreadable."""
    assert await merge(redis, ('a"b\\c', 1, 1, 1), ("नाम", 2, 1, 2)) == [1, 0, 1]
    [entry] = await lua.stream_of(redis, LOG)
    assert json.loads(entry["data"])["changed"] == {'a"b\\c': 1, "नाम": 2}


async def test_merge_of_what_is_known_or_older_changes_nothing(redis: Redis) -> None:
    assert await merge(redis) == [0, 0, 0]
    assert await redis.exists(LEAD) == 0
    assert await merge(redis, ("name", "Asha", 2, 10)) == [1, 1, 1]
    assert await merge(redis, ("name", "Asha", 2, 11)) == [1, 1, 0]
    assert await merge(redis, ("name", "Usha", 2, 9), ("name", "Isha", 1, 99)) == [1, 1, 0]
    assert len(await lua.stream_of(redis, LEADS)) == 1


async def test_the_last_of_two_changes_of_one_field_counts(redis: Redis) -> None:
    await merge(redis, ("name", "Usha", 1, 1), ("name", "Asha", 1, 2))
    [entry] = await lua.stream_of(redis, LOG)
    assert entry["data"].count('"name"') == 1
    assert json.loads(entry["data"])["changed"] == {"name": "Asha"}


@pytest.mark.parametrize("value", [None, ""])
async def test_what_is_required_must_be_there(redis: Redis, value: Any) -> None:
    assert await merge(redis, ("name", value, 1, 1)) == [1, 0, 1]
    assert await merge(redis, ("name", "Asha", 1, 2)) == [2, 1, 1]
    assert await merge(redis, ("name", value, 1, 3)) == [3, 0, 1], "the caller took it back"


async def test_nothing_required_is_complete(redis: Redis) -> None:
    """[] comes out of cjson as an empty table."""
    assert await merge(redis, ("city", "Pune", 1, 1), required="[]") == [1, 1, 1]


async def test_a_field_that_is_not_the_profiles_completes_nothing(redis: Redis) -> None:
    assert await merge(redis, ("name", "Asha", 1, 1), known=0) == [1, 0, 1]
    assert await redis.hget(LEAD, "x:name") == '"Asha"'


async def test_merge_after_the_end_of_the_call_is_final(redis: Redis) -> None:
    """The spool drained late: no end of a call will come any more to send it."""
    await redis.hset(CALL, "state", "ended")
    await merge(redis, ("city", "Pune", 1, 1))
    [fields] = await lua.stream_of(redis, LEADS)
    assert json.loads(fields["data"])["postable"] is True
    assert await redis.hget(LEAD, "final") == "1"
