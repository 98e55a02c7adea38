"""What is in hand when a process, Redis or a part of the service fails, and what is left of it."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from services.leads.delivery.store import DeliveryStore
from services.leads.destinations.lead_capture import LeadCapture
from services.leads.setup import delivery_policy
from shared.deliveries import LEAD_CAPTURE, Deliveries
from shared.redis import keys
from tests.leads.world import Caller, delivering, receiving, serving, settings
from tests.waiting import until

NEVER: dict[str, Any] = {"lead_retry_first": 60.0, "lead_retry_longest": 900.0}


async def test_a_replay_waits_for_the_grace_of_the_last_attempt(
    redis: Redis, redis_url: str
) -> None:
    """A click while n8n is still at work would record the lead twice."""
    caller = Caller(redis)
    slow: dict[str, Any] = {**NEVER, "lead_attempt_grace": 60.0}
    async with delivering(redis, redis_url, "reset", **slow) as n8n:
        await caller.gives_all()
        entry = await caller.reaches("retrying")
        assert await Deliveries(redis).replay(LEAD_CAPTURE, caller.lead_id)
        delivery = await Deliveries(redis).get(LEAD_CAPTURE, caller.lead_id)
        assert delivery.state == "scheduled"
        assert delivery.next_ms is not None
        assert entry.next_at_ms is not None
        assert delivery.next_ms > delivery.attempts[0].at_ms + 55_000
    assert len(n8n.posts) == 1


async def test_an_attempt_whose_process_died_is_made_again_after_its_grace(
    redis: Redis, redis_url: str
) -> None:
    """kill -9 in the middle of a post would lose the lead, or send it twice at once."""
    caller = Caller(redis)
    async with receiving() as n8n:
        chosen = settings(redis_url, n8n.url)
        async with serving(redis, settings(redis_url, None)):
            await caller.gives_all()
            await caller.reaches("scheduled")
        policy = delivery_policy(LeadCapture, chosen)
        assert policy is not None
        claimed = (await DeliveryStore(redis, policy).claim(4)).attempts
        assert [each.subject for each in claimed] == [caller.lead_id]
        async with serving(redis, chosen):
            await caller.reaches("acknowledged")
    delivery = await Deliveries(redis).get(LEAD_CAPTURE, caller.lead_id)
    assert [each.outcome for each in delivery.attempts] == ["lost", "acknowledged"]
    gap = delivery.attempts[1].at_ms - delivery.attempts[0].at_ms
    assert gap >= 480, "not before the grace of 500 ms was over"


async def test_a_full_redis_breaks_readyz_and_loses_nothing(redis: Redis, redis_url: str) -> None:
    """Deliveries would be reported that were never recorded, or get lost."""
    caller = Caller(redis)
    async with delivering(redis, redis_url) as n8n:
        del n8n
        await caller.gives_all()
        await caller.reaches("acknowledged")
    other = Caller(redis)
    await other.gives_all()
    await redis.config_set("maxmemory", 1)
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)) as health:

        async def said() -> bool:
            return "full" in health.reasons.get("redis_writes", "")

        await until(said)
        assert health.status == "unavailable"
        await redis.config_set("maxmemory", 0)
        await other.reaches("acknowledged")

        async def well() -> bool:
            return health.status == "ok"

        await until(well)
    assert await redis.zcard(keys.deliveries_due(LEAD_CAPTURE)) == 0


async def test_a_lead_that_cannot_be_read_is_tried_again_and_shows_it(
    redis: Redis, redis_url: str
) -> None:
    """It would be attempted for ever, and only the log of a replica know why."""
    caller = Caller(redis)
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)):
        await redis.hset(keys.lead(caller.lead_id), "context", "{}")
        await caller.gives_all()
        await caller.reaches("retrying")
        await redis.hset(keys.lead(caller.lead_id), "context", caller.context().model_dump_json())
        await caller.reaches("acknowledged")
    delivery = await Deliveries(redis).get(LEAD_CAPTURE, caller.lead_id)
    assert delivery.attempts[0].why == "its payload cannot be made (ValidationError)"
    assert (await Deliveries(redis).destination(LEAD_CAPTURE)).failures == 0, "N8N did nothing"


async def test_a_part_that_fails_is_started_again_and_named(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that has lost a part would look alive and deliver nothing, for ever."""
    claim, failures = DeliveryStore.claim, iter(range(3))

    async def fail(self: DeliveryStore, limit: int) -> Any:
        if next(failures, None) is not None:
            raise RuntimeError("a fault in the program")
        return await claim(self, limit)

    monkeypatch.setattr(DeliveryStore, "claim", fail)
    caller = Caller(redis)
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)) as health:
        await caller.gives_all()

        async def named() -> str | None:
            return health.reasons.get("loop:delivery to lead-capture")

        assert "delivery to lead-capture failed (RuntimeError)" in str(await until(named))
        assert health.status == "unavailable"
        await caller.reaches("acknowledged")


async def test_a_post_that_breaks_off_is_named(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that meets every post would be in the log of a replica only."""
    finish, failures = DeliveryStore.finish, iter(range(1))

    async def fail(self: DeliveryStore, *arguments: Any) -> Any:
        if next(failures, None) is not None:
            raise RuntimeError("a fault in the program")
        return await finish(self, *arguments)

    monkeypatch.setattr(DeliveryStore, "finish", fail)
    caller = Caller(redis)
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)) as health:
        await caller.gives_all()

        async def named() -> bool:
            return "loop:delivery to lead-capture" in health.reasons

        await until(named)
        await caller.reaches("acknowledged")


async def test_a_stop_does_not_wait_for_what_is_due_later(redis: Redis, redis_url: str) -> None:
    """Every update would take as long as the longest pause between retries."""
    caller = Caller(redis)
    async with receiving(usual=(500, "no")) as n8n:
        async with serving(redis, settings(redis_url, n8n.url, **NEVER)):
            await caller.gives_all()
            await caller.reaches("retrying")
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 3.0
