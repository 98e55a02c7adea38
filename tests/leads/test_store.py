"""Each script of deliveries alone, on a real Valkey: its answer, and what it leaves."""

import json
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from services.leads.delivery import store as module
from services.leads.delivery.response_policy import Decision
from shared.bus import Context
from shared.deliveries import Deliveries
from shared.redis import keys
from shared.redis.client import now_ms
from tests.leads.deliveries import (
    ACKNOWLEDGED,
    CAPTURED_AT,
    FAILED,
    NAME,
    REFUSED,
    REJECTED,
    RUNNING,
    UNCONFIRMED,
    begin,
    claim,
    finish,
    forget_pauses,
    store,
    want,
)
from tests.shared.lua import hash_of, stream_of

LIBRARIES = {"common", "breaker", "attempts"}


async def _wait_of(redis: Redis, member: str) -> float:
    """Seconds until it is due, of Redis' own time."""
    score = await redis.zscore(keys.deliveries_due(NAME), member)
    assert score is not None
    return (score - await now_ms(redis)) / 1000


async def _state(redis: Redis, subject: str, revision: int = 1) -> str | None:
    return (await hash_of(redis, keys.delivery(NAME, subject))).get(f"{revision}:state")


def test_a_script_names_what_it_is_given_and_what_it_answers() -> None:
    """ARGV[3] means nothing to a reader."""
    for script in Path(module.__file__).parent.glob("*.lua"):
        if script.stem not in LIBRARIES:
            head = script.read_text("utf-8").partition("\n\n")[0]
            assert all(word in head for word in ("-- KEYS ", "-- ARGV ", "-- Answer: ")), script


# want


async def test_what_is_wanted_is_due_listed_logged_and_acknowledged(redis: Redis) -> None:
    """An event would be acknowledged whose delivery nobody makes."""
    await redis.xadd(keys.call_log("call"), {"type": "state", "data": "{}"})
    entry_id = str(await redis.xadd("events", {"type": "t"}))
    await redis.xgroup_create("events", "leads", id="0")
    await redis.xreadgroup("leads", "me", {"events": ">"})
    context = Context("events", "leads", entry_id, "me", 1, "test")
    await want(store(redis), "a", 2, call_id="call", context=context)
    assert context.acknowledged
    pending: Any = await redis.xpending("events", "leads")
    assert pending["pending"] == 0
    assert await _wait_of(redis, "a.2") <= 0
    assert await redis.zrange(keys.deliveries_index(NAME), 0, -1) == ["a"]
    (_, entry) = await stream_of(redis, keys.call_log("call"))
    data = json.loads(entry["data"])
    assert entry["type"] == "delivery"
    assert abs(data.pop("at_ms") - await now_ms(redis)) < 10_000, "all 13 digits"
    assert data == {"destination": NAME, "subject": "a", "revision": 2, "state": "scheduled"}


async def test_a_log_that_was_erased_stays_so(redis: Redis) -> None:
    """Erasing a caller would leave a new log behind."""
    await want(store(redis), "a", call_id="gone")
    assert not await redis.exists(keys.call_log("gone"))


async def test_an_older_revision_changes_nothing(redis: Redis) -> None:
    """An event that comes late or twice would send an old lead over a new one."""
    deliveries = store(redis)
    await want(deliveries, "a", 2)
    before = await hash_of(redis, keys.delivery(NAME, "a"))
    await want(deliveries, "a", 1)
    await want(deliveries, "a", 2)
    assert await hash_of(redis, keys.delivery(NAME, "a")) == before
    assert await redis.zrange(keys.deliveries_due(NAME), 0, -1) == ["a.2"]


async def test_a_newer_revision_supersedes_what_waits_and_not_what_is_in_flight(
    redis: Redis,
) -> None:
    """Either a correction waits behind what it corrects, or an attempt loses its grace."""
    deliveries = store(redis)
    await want(deliveries, "waiting")
    await want(deliveries, "waiting", 2)
    assert await _state(redis, "waiting") == "superseded"
    assert await redis.zrange(keys.deliveries_due(NAME), 0, -1) == ["waiting.2"]
    await redis.delete(keys.deliveries_due(NAME))
    await begin(deliveries, "flying")
    await want(deliveries, "flying", 2)
    assert await _state(redis, "flying") == "posting"
    assert await redis.zcard(keys.deliveries_due(NAME)) == 2


# claim


async def test_a_claimed_attempt_is_nobody_elses_until_its_grace_is_over(redis: Redis) -> None:
    """Two replicas would post the same lead at once."""
    deliveries = store(redis)
    await redis.delete(keys.call_log("call"))
    await want(deliveries, "a", 3, call_id="call")
    (claimed,) = await claim(deliveries, 5)
    assert claimed.key == "a.3"
    assert (claimed.attempt, claimed.tries, claimed.call_id) == (1, 1, "call")
    assert (claimed.captured_at, claimed.content) == (CAPTURED_AT, {})
    due = await deliveries.claim(5)
    assert due.attempts == []
    assert due.pause == pytest.approx(60, abs=5)


async def test_an_attempt_whose_process_died_is_in_the_history(redis: Redis) -> None:
    """Nobody could tell why a lead was posted twice."""
    deliveries = store(redis)
    await begin(deliveries, "a")
    await forget_pauses(redis, deliveries)
    (again,) = await claim(deliveries)
    assert (again.attempt, again.tries) == (2, 2)
    (lost,) = (await Deliveries(redis).get(NAME, "a")).attempts
    assert (lost.attempt, lost.revision, lost.outcome) == (1, 1, "lost")
    assert abs(lost.at_ms - await now_ms(redis)) < 10_000


async def test_the_content_is_read_as_the_attempt_begins(redis: Redis) -> None:
    """A lead would be posted as it was when its event came, or after it was erased."""
    deliveries = store(redis, content="content:%s")
    for subject in ("a", "erased", "newer"):
        await want(deliveries, subject, 1)
    await redis.hset("content:a", mapping={"revision": "1", "v:name": '"Asha"'})
    await redis.hset("content:newer", mapping={"revision": "2"})
    (claimed,) = await claim(deliveries, 5)
    assert claimed.content == {"revision": "1", "v:name": '"Asha"'}
    assert await _state(redis, "erased") == "erased"
    assert await _state(redis, "newer") == "superseded"


async def test_a_newer_revision_waits_until_the_older_post_has_begun(redis: Redis) -> None:
    """It could overtake the older one on the way, which would then overwrite it."""
    deliveries = store(redis)
    older = await begin(deliveries, "a", 1)
    await want(deliveries, "a", 2)
    assert await claim(deliveries) == []
    assert await _wait_of(redis, "a.2") == pytest.approx(3.5, abs=1)
    assert (await finish(deliveries, older, FAILED)).state == "superseded"
    assert [each.revision for each in await claim(deliveries)] == [2]


# finish


@pytest.mark.parametrize(
    ("decision", "state", "wait"),
    [
        (ACKNOWLEDGED, "acknowledged", None),
        (UNCONFIRMED, "unconfirmed", None),
        (REJECTED, "dead", None),
        (FAILED, "retrying", 1.0),
        (RUNNING, "retrying", 60.0),
        (REFUSED, "parked", 900.0),
    ],
    ids=lambda value: value.reason if isinstance(value, Decision) else None,
)
async def test_what_an_outcome_leads_to(
    redis: Redis, decision: Decision, state: str, wait: float | None
) -> None:
    """A lead would be lost, or posted again while its workflow is running."""
    deliveries = store(redis)
    claimed = await begin(deliveries, "a")
    assert (await finish(deliveries, claimed, decision)).state == state
    assert await _state(redis, "a") == state
    if wait is None:
        assert not await redis.zcard(keys.deliveries_due(NAME))
    else:
        assert await _wait_of(redis, "a.1") == pytest.approx(wait, abs=2)
    dead = await redis.zrange(keys.deliveries_dead(NAME), 0, -1)
    assert dead == (["a.1"] if state == "dead" else [])


async def test_a_result_is_recorded_once(redis: Redis) -> None:
    """A lost answer of Redis would count an attempt twice."""
    deliveries = store(redis)
    claimed = await begin(deliveries, "a")
    await finish(deliveries, claimed, FAILED)
    before = await hash_of(redis, keys.delivery(NAME, "a"))
    assert (await finish(deliveries, claimed, FAILED)).state == "retrying"
    assert await hash_of(redis, keys.delivery(NAME, "a")) == before
    assert len((await Deliveries(redis).get(NAME, "a")).attempts) == 1


async def test_a_late_acknowledgement_ends_the_retries(redis: Redis) -> None:
    """A lead that has arrived would be sent again, or stay a dead letter."""
    deliveries = store(redis)
    slow = await begin(deliveries, "a")
    await forget_pauses(redis, deliveries)
    (second,) = await claim(deliveries)
    assert (await finish(deliveries, second, REJECTED)).state == "dead"
    assert (await finish(deliveries, slow, ACKNOWLEDGED)).state == "acknowledged"
    assert not await redis.zcard(keys.deliveries_dead(NAME))


async def test_only_the_latest_attempt_may_say_that_it_failed(redis: Redis) -> None:
    """An old attempt's time-out would put a delivery off that is being made."""
    deliveries = store(redis)
    slow = await begin(deliveries, "a")
    await forget_pauses(redis, deliveries)
    await claim(deliveries)
    assert (await finish(deliveries, slow, REJECTED)).state == "posting"


async def test_a_spent_budget_ends_in_a_dead_letter_told_once_an_hour(redis: Redis) -> None:
    """A lead would be tried for ever, or people get a message for each of a thousand."""
    deliveries = store(redis, budget=0.0)
    told = []
    for subject in ("a", "b"):
        recorded = await finish(deliveries, await begin(deliveries, subject), FAILED)
        assert recorded.state == "dead"
        told.append(recorded.first_dead)
    assert told == [True, False]


async def test_a_workflow_is_held_to_its_acknowledgement(redis: Redis) -> None:
    """A workflow that dies half-way answers an empty 200: the lead would be lost."""
    deliveries = store(redis)
    await finish(deliveries, await begin(deliveries, "a"), ACKNOWLEDGED)
    assert (await finish(deliveries, await begin(deliveries, "b"), UNCONFIRMED)).state == "retrying"
    moved = store(redis, address="http://n8n/another")
    assert (await finish(moved, await begin(moved, "c"), UNCONFIRMED)).state == "unconfirmed"


async def test_recording_begins_the_next(redis: Redis) -> None:
    """Each lead would cost a round trip more."""
    deliveries = store(redis)
    claimed = await begin(deliveries, "a")
    await want(deliveries, "b")
    following = (await finish(deliveries, claimed, ACKNOWLEDGED, more=1)).following
    assert [each.subject for each in following.attempts] == ["b"]


async def test_a_result_of_what_was_erased_leaves_nothing(redis: Redis) -> None:
    """Erasing a caller while a post is under way would leave the answer behind."""
    deliveries = store(redis)
    claimed = await begin(deliveries, "a")
    await redis.delete(keys.delivery(NAME, "a"))
    assert (await finish(deliveries, claimed, FAILED)).state == "erased"
    assert not await redis.exists(keys.delivery_attempts(NAME, "a"), keys.delivery(NAME, "a"))
