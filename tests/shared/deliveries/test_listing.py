"""Finding deliveries: the right ones, in order, and in a few round trips of a year's many."""

from typing import Any

import pytest
from redis.asyncio import Redis

from shared.deliveries import LEAD_CAPTURE, Deliveries, DeliveryState
from shared.deliveries.repository import PAGE
from shared.errors import NotFound
from shared.redis import keys
from tests.shared.round_trips import round_trips

TO = LEAD_CAPTURE
FINAL = ("acknowledged", "unconfirmed", "superseded", "erased")


async def put(redis: Redis, *states: str, older: int = 0) -> list[str]:
    """A delivery in each of these states, the newest first, as every version leaves them."""
    subjects = [f"{state}-{number + older}" for number, state in enumerate(states)]
    async with redis.pipeline(transaction=False) as pipe:
        for number, (subject, state) in enumerate(zip(subjects, states, strict=True)):
            wanted_ms = 1_763_806_530_123 - number - older
            hash_: dict[Any, Any] = {"wanted": 2, "1:state": "superseded", "2:state": state}
            pipe.hset(keys.delivery(TO, subject), mapping=hash_)
            pipe.zadd(keys.deliveries_index(TO), {subject: wanted_ms})
            if state not in (*FINAL, "dead"):
                # Not in the order in which they were wanted: retries wait longer and longer.
                pipe.zadd(keys.deliveries_due(TO), {f"{subject}.2": wanted_ms % 7})
            if state == "dead":
                pipe.zadd(keys.deliveries_dead(TO), {f"{subject}.2": wanted_ms})
            if state == "parked":
                pipe.zadd(keys.deliveries_parked(TO), {f"{subject}.2": wanted_ms})
        await pipe.execute()
    return subjects


STATES: tuple[DeliveryState, ...] = (
    *("scheduled", "posting", "retrying", "parked", "dead"),
    *("acknowledged", "unconfirmed", "superseded", "erased"),
)


@pytest.mark.parametrize("state", STATES)
async def test_a_state_lists_all_that_are_in_it_the_newest_first(
    redis: Redis, state: DeliveryState
) -> None:
    """An operator would send the wrong leads again, or miss some."""
    subjects = await put(redis, *(STATES * 5))
    found = await Deliveries(redis).latest(TO, state=state)
    assert [each.subject for each in found] == [
        subject for subject in subjects if subject.startswith(state)
    ]
    assert {each.state for each in found} == {state}
    is_due = state in ("scheduled", "posting", "retrying", "parked")
    assert all((each.next_ms is not None) == is_due for each in found)
    limited = await Deliveries(redis).latest(TO, state=state, limit=2)
    assert limited == found[:2]


async def test_all_are_listed_the_newest_first(redis: Redis) -> None:
    subjects = await put(redis, *STATES)
    found = await Deliveries(redis).latest(TO)
    assert [each.subject for each in found] == subjects
    assert [each.subject for each in await Deliveries(redis).latest(TO, limit=3)] == subjects[:3]
    assert await Deliveries(redis).latest("call-ended") == []


@pytest.mark.parametrize(
    ("state", "most"),
    [
        ("scheduled", 5),
        ("posting", 5),
        ("retrying", 5),
        ("parked", 5),
        ("dead", 5),
        ("acknowledged", 5),
        (None, 5),
        ("unconfirmed", 2 * 5 + 4),  # there is one, the oldest of five pages
        ("erased", 2 * 5 + 2),  # there is none: the whole index is looked through
    ],
)
async def test_a_list_takes_a_few_round_trips(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, state: DeliveryState | None, most: int
) -> None:
    """Two for each delivery of a year: the console would wait for minutes."""
    await put(redis, *(["acknowledged"] * (5 * PAGE - 1)))
    rest = ("unconfirmed", "scheduled", "posting", "retrying", "parked", "dead")
    others = (await put(redis, *rest, older=5 * PAGE))[1:]
    await redis.zrem(keys.deliveries_index(TO), *others)  # five pages and one, to be counted
    deliveries = Deliveries(redis)
    await deliveries.latest(TO, state="erased", limit=1)  # the script is loaded
    with round_trips(monkeypatch) as counted:
        found = await deliveries.latest(TO, state=state, limit=50)
    assert len(found) == {None: 50, "acknowledged": 50, "erased": 0}.get(state, 1)
    assert counted.trips <= most


async def test_what_is_gone_leaves_the_sets_and_nothing_else_does(redis: Redis) -> None:
    """Sets would grow for ever, and /readyz count dead leads that nobody can look at."""
    subjects = await put(redis, "acknowledged", "dead", "acknowledged", "dead", "scheduled")
    for subject in (subjects[0], subjects[1], subjects[4]):
        await redis.delete(keys.delivery(TO, subject))
    deliveries = Deliveries(redis)
    assert [each.subject for each in await deliveries.latest(TO, state="dead")] == [subjects[3]]
    assert await redis.zrange(keys.deliveries_dead(TO), 0, -1) == [f"{subjects[3]}.2"]
    assert [each.subject for each in await deliveries.latest(TO)] == [subjects[2], subjects[3]]
    left = await redis.zrange(keys.deliveries_index(TO), 0, -1, desc=True)
    assert left == [subjects[2], subjects[3]]
    assert await deliveries.latest(TO, state="scheduled") == []
    assert await redis.zcard(keys.deliveries_due(TO)) == 1, "a claim looks after these"


async def test_many_keeps_the_order_and_leaves_out_what_there_is_not(redis: Redis) -> None:
    one, two = await put(redis, "dead", "parked")
    attempt = '{"revision":2,"attempt":1,"at_ms":1763806530123,"outcome":"retry"}'
    await redis.rpush(keys.delivery_attempts(TO, two), attempt)
    deliveries = Deliveries(redis)
    found = await deliveries.many(TO, [two, "nothing", one], attempts=True)
    assert [each.subject for each in found] == [two, one]
    assert [len(each.attempts) for each in found] == [1, 0]
    assert found[0].attempts[0].at_ms == 1_763_806_530_123
    assert all(each.attempts == () for each in await deliveries.many(TO, [two, one]))
    assert await deliveries.get(TO, two) == found[0]
    with pytest.raises(NotFound):
        await deliveries.get(TO, "nothing")
    assert await deliveries.many(TO, []) == []
