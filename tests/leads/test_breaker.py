"""The circuit breaker of a destination: when it opens, what it lets through, and when it closes."""

import pytest
from redis.asyncio import Redis

from services.leads.delivery.store import DeliveryStore
from shared.deliveries import Deliveries
from shared.redis import keys
from tests.leads.deliveries import (
    ACKNOWLEDGED,
    FAILED,
    NAME,
    REFUSED,
    REJECTED,
    UNCONFIRMED,
    begin,
    claim,
    finish,
    forget_pauses,
    store,
    want,
)


async def _opened(redis: Redis) -> DeliveryStore:
    deliveries = store(redis)
    changes = [
        (await finish(deliveries, await begin(deliveries, subject), FAILED)).breaker
        for subject in "abc"
    ]
    assert changes == ["", "", "opened"], "three failures in a row are the threshold"
    return deliveries


async def _probe_is_due(redis: Redis, deliveries: DeliveryStore) -> None:
    await redis.hset(keys.destination(NAME), "open_until", "0")
    await forget_pauses(redis, deliveries)


async def test_a_success_between_failures_keeps_it_closed(redis: Redis) -> None:
    """A few errors a day would stop deliveries in the end."""
    deliveries = store(redis)
    for decision in (FAILED, FAILED, ACKNOWLEDGED, FAILED, FAILED, REJECTED, FAILED, FAILED):
        claimed = await begin(deliveries, f"{decision.outcome}-{await redis.dbsize()}")
        assert (await finish(deliveries, claimed, decision)).breaker == ""
        await redis.delete(keys.deliveries_due(NAME))


async def test_what_tells_nothing_of_the_destination_does_not_count(redis: Redis) -> None:
    """Workflows that acknowledge nothing would be taken for an N8N that is down."""
    deliveries = store(redis, ack="strict")
    for subject in "abcd":
        recorded = await finish(deliveries, await begin(deliveries, subject), UNCONFIRMED)
        assert recorded.breaker == ""


async def test_while_it_is_open_one_probe_at_a_time_is_let_through(redis: Redis) -> None:
    """An N8N that comes back would be met by everything at once."""
    deliveries = await _opened(redis)
    due = await deliveries.claim(9)
    assert due.attempts == []
    assert due.pause == pytest.approx(1.0, abs=0.9)
    await _probe_is_due(redis, deliveries)
    assert len(await claim(deliveries, 9)) == 1
    assert await claim(deliveries, 9) == [], "the probe is under way"


async def test_the_pauses_between_probes_double_up_to_the_longest(redis: Redis) -> None:
    """An N8N that is down for a day would be asked every second."""
    deliveries = await _opened(redis)
    for pause in (2000, 3000, 3000):
        await _probe_is_due(redis, deliveries)
        (probe,) = await claim(deliveries)
        assert (await finish(deliveries, probe, FAILED)).breaker == "", "it was open before"
        assert await redis.hget(keys.destination(NAME), "pause") == str(pause)


async def test_an_attempt_from_before_does_not_prolong_it(redis: Redis) -> None:
    """Posts that hang would keep the breaker open although N8N is back."""
    deliveries = store(redis)
    hanging = await begin(deliveries, "hanging")
    await _opened(redis)
    before = await redis.hgetall(keys.destination(NAME))
    assert (await finish(deliveries, hanging, FAILED)).breaker == ""
    assert await redis.hgetall(keys.destination(NAME)) == before


async def test_a_probe_that_works_closes_it_and_frees_what_is_parked(redis: Redis) -> None:
    """After the right credentials are set, leads would wait a quarter of an hour more."""
    deliveries = store(redis)
    parked = await begin(deliveries, "a")
    await want(deliveries, "b")
    recorded = await finish(deliveries, parked, REFUSED, more=9)
    assert (recorded.state, recorded.breaker) == ("parked", "opened")
    assert recorded.following.attempts == [], "nothing else is sent with these credentials"
    state = await Deliveries(redis).destination(NAME)
    assert (state.open, state.reason) == (True, REFUSED.reason)
    await redis.hset(keys.destination(NAME), "open_until", "0")
    (probe,) = await claim(deliveries)
    recorded = await finish(deliveries, probe, ACKNOWLEDGED, more=9)
    assert (probe.subject, recorded.breaker) == ("b", "closed")
    assert [each.subject for each in recorded.following.attempts] == ["a"]
    assert not (await Deliveries(redis).destination(NAME)).open


async def test_other_credentials_are_tried_at_once(redis: Redis) -> None:
    """Correcting N8N_AUTH_VALUE would seem to change nothing for a quarter of an hour."""
    wrong = store(redis, credentials="X-Token old")
    await finish(wrong, await begin(wrong, "a"), REFUSED)
    assert not await wrong.review(), "the same ones are refused again"
    assert await claim(wrong) == []
    right = store(redis, credentials="X-Token new")
    assert await right.review()
    assert [each.subject for each in await claim(right)] == ["a"]


async def test_without_a_refusal_there_is_nothing_to_review(redis: Redis) -> None:
    """A restart would open or close a breaker that has nothing to do with credentials."""
    deliveries = await _opened(redis)
    before = await redis.hgetall(keys.destination(NAME))
    assert not await store(redis, credentials="X-Token new").review()
    assert await redis.hgetall(keys.destination(NAME)) == before
    assert await claim(deliveries) == []
