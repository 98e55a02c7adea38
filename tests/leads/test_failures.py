"""An N8N that refuses, rejects, is down or never acknowledges; and what people can do about it."""

from typing import Any

import pytest
from redis.asyncio import Redis

from shared.deliveries import LEAD_CAPTURE, Deliveries
from shared.errors import NotFound
from tests.leads.world import ACCEPTED, Caller, delivering, receiving, serving, settings
from tests.waiting import until

EMPTY = (200, "")
NEVER: dict[str, Any] = {"lead_retry_first": 60.0, "lead_retry_longest": 900.0}


async def test_a_rejected_lead_is_a_dead_letter_that_one_click_sends_again(
    redis: Redis, redis_url: str
) -> None:
    """A lead that N8N rejects would vanish, or be sent for ever."""
    caller = Caller(redis)
    deliveries = Deliveries(redis)
    rejected = (422, {"status": "rejected", "errors": ["no budget"]})
    async with delivering(redis, redis_url, rejected) as n8n:
        await caller.gives_all()
        entry = await caller.reaches("dead")
        assert entry.status == 422
        assert entry.answer is not None
        assert "no budget" in entry.answer
        (dead,) = await deliveries.latest(LEAD_CAPTURE, state="dead")
        assert dead.subject == caller.lead_id
        assert await deliveries.counts(LEAD_CAPTURE) == {"waiting": 0, "parked": 0, "dead": 1}
        assert await deliveries.replay(LEAD_CAPTURE, caller.lead_id)
        await caller.reaches("acknowledged")
        assert await deliveries.counts(LEAD_CAPTURE) == {"waiting": 0, "parked": 0, "dead": 0}
        assert not await deliveries.replay(LEAD_CAPTURE, caller.lead_id), "it has arrived"
    assert [post.key for post in n8n.posts] == [f"{caller.lead_id}.1"] * 2


async def test_a_correction_replaces_a_dead_letter(redis: Redis, redis_url: str) -> None:
    """A dead letter would stay on the list although its newer revision has arrived."""
    caller = Caller(redis)
    async with delivering(redis, redis_url, (422, "no")):
        await caller.gives_all()
        await caller.reaches("dead")
        await caller.says(name="Asha Rao")
        await caller.reaches("acknowledged", 2)
    assert await Deliveries(redis).latest(LEAD_CAPTURE, state="dead") == []
    assert (1, "superseded") in await caller.states()


async def test_a_spent_budget_is_a_dead_letter(redis: Redis, redis_url: str) -> None:
    """A lead would be tried for years, and nobody know."""
    caller = Caller(redis)
    async with receiving(usual=(500, "no")) as n8n:
        chosen = settings(redis_url, n8n.url, lead_retry_hours=0.3 / 3600)
        async with serving(redis, chosen):
            await caller.gives_all()
            await caller.reaches("dead")
    assert len(n8n.posts) > 1
    delivery = await Deliveries(redis).get(LEAD_CAPTURE, caller.lead_id)
    assert "an error in N8N (500)" in [each.why for each in delivery.attempts]


async def test_people_are_told_of_the_first_dead_letter_of_an_hour(
    redis: Redis, redis_url: str
) -> None:
    """Leads would die for days before somebody looks."""
    async with receiving(usual=(422, "no")) as n8n:
        chosen = settings(redis_url, n8n.url, alert_webhook_url=f"{n8n.url}/alert")
        async with serving(redis, chosen) as health:
            for _ in range(3):
                caller = Caller(redis)
                await caller.gives_all()
                await caller.reaches("dead")

            async def shown() -> bool:
                return "3 could not" in health.reasons.get("dead_letters", "")

            await until(shown)
            await n8n.wait(lambda me: bool(me.alerts))
    (alert,) = n8n.alerts
    assert alert["type"] == "alert.dead_letter"
    assert "rejected it (422)" in alert["text"]
    assert "9876543210" not in str(alert), "no personal data in an alert"


async def test_refused_credentials_park_all_and_the_right_ones_send_all(
    redis: Redis, redis_url: str
) -> None:
    """A wrong token would turn every lead into a dead letter, or hammer N8N with all of them."""
    first, second = Caller(redis), Caller(redis)
    wrong: dict[str, Any] = {"n8n_auth_header": "X-Token", "n8n_auth_value": "old", **NEVER}
    async with receiving(replies=[(403, "Authorization data is wrong!")]) as n8n:
        alerting = {"alert_webhook_url": f"{n8n.url}/alert"}
        async with serving(redis, settings(redis_url, n8n.url, **wrong, **alerting)) as health:
            await first.gives_all()
            await first.reaches("parked")
            await second.gives_all()
            await second.reaches("scheduled")
            await n8n.wait(lambda me: bool(me.alerts))

            async def shown() -> bool:
                return health.reasons.get("n8n") == "N8N refuses our credentials (403)"

            await until(shown)
            assert [d.subject for d in await Deliveries(redis).latest(LEAD_CAPTURE, state="parked")]
        assert len(n8n.posts) == 1, "nothing else is sent with them"
        assert n8n.alerts[0]["type"] == "alert.credentials_refused"
        right = {**wrong, "n8n_auth_value": "new"}
        async with serving(redis, settings(redis_url, n8n.url, **right)):
            await first.reaches("acknowledged")
            await second.reaches("acknowledged")
    assert n8n.posts[-1].headers["x-token"] == "new"


async def test_the_breaker_opens_and_probes_with_one(redis: Redis, redis_url: str) -> None:
    """An N8N that is down would get every waiting lead in its face again and again."""
    callers = [Caller(redis) for _ in range(20)]
    async with receiving(usual=(500, "no")) as n8n:
        chosen = settings(
            redis_url,
            n8n.url,
            lead_breaker_failures=3,
            lead_concurrency=1,
            lead_retry_first=0.3,
            lead_retry_longest=0.3,
            alert_webhook_url=f"{n8n.url}/alert",
        )
        async with serving(redis, chosen) as health:
            for caller in callers:
                await caller.gives_all()
            await n8n.wait(lambda me: bool(me.alerts))
            opened = len(n8n.posts)
            assert opened == 3

            async def shown() -> bool:
                return "n8n" in health.reasons

            await until(shown)
            state = await Deliveries(redis).destination(LEAD_CAPTURE)
            assert state.open
            assert state.reason == "an error in N8N (500)"
            await n8n.posted(opened + 2)
            assert n8n.most_in_flight == 1
            n8n.usual = ACCEPTED
            for caller in callers:
                await caller.reaches("acknowledged")

            async def well() -> bool:
                return "n8n" not in health.reasons

            await until(well)
    assert n8n.alerts[0]["type"] == "alert.destination_down"
    assert len(n8n.alerts) == 1


async def test_a_workflow_that_never_acknowledged_is_left_in_peace(
    redis: Redis, redis_url: str
) -> None:
    """Hand-made workflows, which answer anything, would get every lead for 72 hours."""
    caller = Caller(redis)
    started = (200, {"message": "Workflow was started"})
    async with delivering(redis, redis_url, started) as n8n:
        await caller.gives_all()
        entry = await caller.reaches("unconfirmed")
    assert entry.answer == '{"message": "Workflow was started"}'
    assert len(n8n.posts) == 1


async def test_a_workflow_that_has_acknowledged_is_held_to_it(redis: Redis, redis_url: str) -> None:
    """A workflow that dies half-way answers an empty 200: the lead would be lost."""
    first, second = Caller(redis), Caller(redis)
    async with delivering(redis, redis_url, ACCEPTED, EMPTY):
        await first.gives_all()
        await first.reaches("acknowledged")
        await second.gives_all()
        await second.reaches("acknowledged")
    assert (1, "retrying") in await second.states()


@pytest.mark.parametrize(("mode", "states"), [("strict", "retrying"), ("lenient", "unconfirmed")])
async def test_lead_ack_forces_it(redis: Redis, redis_url: str, mode: str, states: str) -> None:
    """An operator who knows better could not say so."""
    before, caller = Caller(redis), Caller(redis)
    replies = (EMPTY,) if mode == "strict" else (ACCEPTED, EMPTY)
    async with delivering(redis, redis_url, *replies, lead_ack=mode):
        if mode == "lenient":
            await before.gives_all()
            await before.reaches("acknowledged")
        await caller.gives_all()
        await caller.reaches(states)


async def test_a_lead_that_is_too_long_is_cut_and_says_so(redis: Redis, redis_url: str) -> None:
    """n8n answers 500 to long bodies, so the lead would never arrive."""
    caller = Caller(redis)
    async with delivering(redis, redis_url, lead_max_bytes=8_192) as n8n:
        await caller.says(name="Asha", phone="+919876543210", story="a" * 50_000)
        await caller.reaches("acknowledged")
    (post,) = n8n.posts
    assert len(post.raw) <= 8_192
    assert post.payload["data"]["truncated"] is True
    assert post.payload["data"]["phone"] == "+919876543210"


async def test_a_replay_of_what_never_was_is_refused(redis: Redis) -> None:
    """A mistyped id would look as if it had been sent again."""
    with pytest.raises(NotFound):
        await Deliveries(redis).replay(LEAD_CAPTURE, "nobody")


@pytest.mark.parametrize("status", [503, 520, 522, 524])
async def test_after_a_proxys_error_the_grace_is_waited_for(
    redis: Redis, redis_url: str, status: int
) -> None:
    """The workflow goes on behind Cloudflare: the lead would be recorded twice within seconds."""
    caller = Caller(redis)
    slow: dict[str, Any] = {"lead_attempt_grace": 60.0}
    async with delivering(redis, redis_url, (status, "<html>error</html>"), **slow) as n8n:
        await caller.gives_all()
        entry = await caller.reaches("retrying")
    assert entry.next_at_ms is not None
    assert entry.next_at_ms > entry.at_ms + 50_000
    assert len(n8n.posts) == 1
