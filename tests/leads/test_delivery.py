"""From the merge script to N8N's acknowledgement, with the whole service in between."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from standardwebhooks import Webhook

from shared.deliveries import LEAD_CAPTURE, Deliveries
from shared.redis import keys
from tests.leads.world import ACCEPTED, Caller, delivering, receiving, serving, settings, unread
from tests.waiting import until

PATIENT: dict[str, Any] = {"lead_timeout": 5, "lead_attempt_grace": 6}


async def test_a_complete_lead_is_delivered_and_the_call_log_says_so(
    redis: Redis, redis_url: str
) -> None:
    """The product's whole purpose."""
    caller = Caller(redis)
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)):
        await caller.says(name="Asha")
        await caller.says(phone="+919876543210")
        entry = await caller.reaches("acknowledged", 2)
        assert entry.status == 200
        assert entry.answer == '{"status": "accepted"}'
    (post,) = n8n.posts
    data = post.payload["data"]
    assert post.payload["type"] == "lead.captured"
    assert (data["lead_id"], data["revision"], data["complete"]) == (caller.lead_id, 2, True)
    assert (data["name"], data["phone"]) == ("Asha", "+919876543210")
    assert await caller.states() == [(2, "scheduled"), (2, "acknowledged")]
    assert await unread(redis) == 0


async def test_every_post_is_signed_and_carries_its_key(redis: Redis, redis_url: str) -> None:
    """A receiver could not tell our posts from anybody's, nor a repetition from a new lead."""
    old, new = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8
    chosen: dict[str, Any] = {
        "lead_webhook_secret": f"{new} {old}",
        "n8n_auth_header": "X-Token",
        "n8n_auth_value": "let-me-in",
    }
    caller = Caller(redis)
    async with delivering(redis, redis_url, (500, "no"), **chosen) as n8n:
        await caller.gives_all()
        await caller.reaches("acknowledged")
    first, second = n8n.posts
    assert first.key == second.key == f"{caller.lead_id}.1"
    assert first.headers["idempotency-key"] == first.key
    assert first.headers["x-token"] == "let-me-in"
    assert first.raw == second.raw, "a repetition is the same to the last byte"
    for secret in (old, new):
        Webhook(secret).verify(second.raw, second.headers)


async def test_an_incomplete_lead_waits_for_the_end_of_its_call(
    redis: Redis, redis_url: str
) -> None:
    """A caller who hangs up early would be lost, or half a lead be sent after every sentence."""
    caller = Caller(redis)
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)):
        await caller.says(name="Asha")
        await redis.hset(keys.call(caller.call_id), mapping={"state": "ended"})
        await caller.says(city="Pune")
        await caller.reaches("acknowledged", 2)
    (post,) = n8n.posts
    assert post.payload["data"]["complete"] is False
    assert post.payload["data"]["phone"] is None


async def test_a_newer_revision_supersedes_an_older_one_that_waits(
    redis: Redis, redis_url: str
) -> None:
    """A correction would wait behind the retries of what it corrects, or be overwritten by them."""
    caller = Caller(redis)
    slow: dict[str, Any] = {"lead_retry_first": 60.0, "lead_retry_longest": 900.0}
    async with delivering(redis, redis_url, (500, "no"), **slow) as n8n:
        await caller.gives_all()
        await caller.reaches("retrying", 1)
        await caller.says(name="Asha Rao")
        await caller.reaches("acknowledged", 2, seconds=5.0)
    assert [post.revision for post in n8n.posts] == [1, 2]
    assert await caller.states() == [
        (1, "scheduled"),
        (1, "retrying"),
        (1, "superseded"),
        (2, "scheduled"),
        (2, "acknowledged"),
    ]


async def test_a_newer_revision_goes_while_an_older_one_hangs(redis: Redis, redis_url: str) -> None:
    """One post that hangs would hold up the correction for the whole time-out, and then again."""
    caller = Caller(redis)
    async with receiving(replies=[0.25]) as n8n, serving(redis, settings(redis_url, n8n.url)):
        await caller.gives_all()
        await n8n.posted(1)
        await caller.says(name="Asha Rao")
        await caller.reaches("acknowledged", 2)
        await caller.reaches("acknowledged", 1)
    assert [post.revision for post in n8n.posts] == [1, 2]


async def test_after_a_time_out_the_grace_is_waited_for(redis: Redis, redis_url: str) -> None:
    """n8n goes on executing after we hung up: the lead would be recorded twice."""
    caller = Caller(redis)
    began: list[float] = []
    loop = asyncio.get_running_loop()
    async with delivering(redis, redis_url, 5.0, lead_attempt_grace=0.8) as n8n:
        await caller.gives_all()
        for count in (1, 2):
            await n8n.posted(count)
            began.append(loop.time())
        await caller.reaches("acknowledged")
    assert began[1] - began[0] >= 0.75


async def test_no_more_than_four_posts_are_in_flight(redis: Redis, redis_url: str) -> None:
    """n8n slows down and fails beyond a few at once."""
    async with delivering(redis, redis_url, hold=asyncio.Event(), **PATIENT) as n8n:
        callers = [Caller(redis) for _ in range(12)]
        for caller in callers:
            await caller.gives_all()
        await n8n.posted(4)
        assert n8n.hold is not None
        n8n.hold.set()
        for caller in callers:
            await caller.reaches("acknowledged")
    assert n8n.most_in_flight == 4
    assert len(n8n.posts) == 12


async def test_two_replicas_send_each_lead_once(redis: Redis, redis_url: str) -> None:
    """Scaling the service would multiply the leads."""
    async with receiving() as n8n:
        chosen = settings(redis_url, n8n.url, **PATIENT)
        async with serving(redis, chosen), serving(redis, chosen), serving(redis, chosen):
            callers = [Caller(redis) for _ in range(30)]
            for caller in callers:
                await caller.gives_all()
            for caller in callers:
                await caller.reaches("acknowledged")
    assert sorted(post.key for post in n8n.posts) == sorted(f"{c.lead_id}.1" for c in callers)


async def test_without_n8n_leads_wait_and_readyz_says_so(redis: Redis, redis_url: str) -> None:
    """Leads captured before N8N is set up would be lost, and nobody told."""
    caller = Caller(redis)
    async with serving(redis, settings(redis_url, None)) as health:
        await caller.gives_all()
        await caller.reaches("scheduled")

        async def told() -> bool:
            return "n8n" in health.reasons

        await until(told)
        assert health.status == "degraded"
        assert "N8N_BASE_URL is not set" in health.reasons["n8n"]
    assert await unread(redis) == 0
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)):
        await caller.reaches("acknowledged")


async def test_a_stop_lets_a_post_end_and_records_it(redis: Redis, redis_url: str) -> None:
    """Each deploy would send what was in flight a second time."""
    caller = Caller(redis)
    async with delivering(redis, redis_url, hold=asyncio.Event(), **PATIENT) as n8n:
        await caller.gives_all()
        await n8n.posted(1)
        assert n8n.hold is not None
        asyncio.get_running_loop().call_later(0.1, n8n.hold.set)
    assert (await caller.states())[-1] == (1, "acknowledged")
    assert len(n8n.posts) == 1


async def test_a_lead_that_was_erased_is_not_sent(redis: Redis, redis_url: str) -> None:
    """Erasing a caller would be undone by a retry."""
    caller = Caller(redis)
    async with serving(redis, settings(redis_url, None)):
        await caller.gives_all()
        await caller.reaches("scheduled")
    await redis.delete(keys.lead(caller.lead_id), keys.call_log(caller.call_id))
    other = Caller(redis)
    async with receiving() as n8n, serving(redis, settings(redis_url, n8n.url)):
        await other.gives_all()
        await other.reaches("acknowledged")
    assert [post.key for post in n8n.posts] == [f"{other.lead_id}.1"]
    assert not await redis.exists(keys.call_log(caller.call_id))
    assert (await Deliveries(redis).get(LEAD_CAPTURE, caller.lead_id)).state == "erased"


async def test_attempts_are_kept_with_what_was_answered(redis: Redis, redis_url: str) -> None:
    """Nobody could tell why a lead did not arrive."""
    caller = Caller(redis)
    async with delivering(redis, redis_url, (500, "x" * 600), "reset", ACCEPTED):
        await caller.gives_all()
        await caller.reaches("acknowledged")
    delivery = await Deliveries(redis).get(LEAD_CAPTURE, caller.lead_id)
    assert [(each.status, each.outcome) for each in delivery.attempts] == [
        (500, "retry"),
        (None, "retry"),
        (200, "acknowledged"),
    ]
    assert delivery.attempts[0].answer == "x" * 500
    assert delivery.attempts[0].why == "an error in N8N (500)"
    assert delivery.attempts[1].why == "the connection broke"
    assert delivery.state == "acknowledged"
    assert delivery.acknowledged == 1
    assert delivery.next_ms is None
    assert all(each.duration_ms is not None and each.at_ms for each in delivery.attempts)
