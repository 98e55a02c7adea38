"""Deliveries of a test: a store, and results of attempts as a worker would record them."""

from typing import Any

from redis.asyncio import Redis

from services.leads.delivery.breaker import BreakerPolicy
from services.leads.delivery.model import AttemptResult, ClaimedAttempt, Recorded
from services.leads.delivery.policy import DeliveryPolicy
from services.leads.delivery.response_policy import Decision
from services.leads.delivery.store import DeliveryStore
from shared.deliveries import Attempt

NAME = "test"
CAPTURED_AT = "2026-11-22T10:15:30.123Z"
BREAKER = BreakerPolicy(threshold=3, pause_first=1.0, pause_longest=3.0, park=900.0)

ACKNOWLEDGED = Decision("acknowledged", "works", "")
FAILED = Decision("retry", "fails", "an error in N8N (500)", delay=1.0)
RUNNING = Decision("retry", "fails", "a proxy lost N8N (524)", may_be_running=True, delay=1.0)
REFUSED = Decision("park", "refuses", "N8N refuses our credentials (403)")
REJECTED = Decision("dead", "works", "the workflow rejected it (422)")
UNCONFIRMED = Decision("unconfirmed", "nothing", "a 2xx without one", may_be_running=True)


def store(redis: Redis, **changes: Any) -> DeliveryStore:
    """Without content of its own; a grace of 60 s and a head start of 3.5 s."""
    chosen = {"name": NAME, "address": "http://n8n/x", "breaker": BREAKER, **changes}
    return DeliveryStore(redis, DeliveryPolicy(**chosen))


async def want(deliveries: DeliveryStore, subject: str, revision: int = 1, **more: Any) -> None:
    chosen = {"call_id": "", "captured_at": CAPTURED_AT, **more}
    await deliveries.want(subject, revision, **chosen)


async def claim(deliveries: DeliveryStore, limit: int = 1) -> list[ClaimedAttempt]:
    return (await deliveries.claim(limit)).attempts


async def begin(deliveries: DeliveryStore, subject: str, revision: int = 1) -> ClaimedAttempt:
    """The first attempt at it."""
    await want(deliveries, subject, revision)
    (claimed,) = await claim(deliveries)
    assert (claimed.subject, claimed.revision) == (subject, revision)
    return claimed


async def finish(
    deliveries: DeliveryStore, claimed: ClaimedAttempt, decision: Decision, more: int = 0
) -> Recorded:
    attempt = Attempt(
        revision=claimed.revision,
        attempt=claimed.attempt,
        at_ms=1_764_000_000_123,
        status=200,
        outcome=decision.outcome,
        why=decision.reason,
    )
    return await deliveries.finish(AttemptResult(claimed, decision, attempt), more)


async def forget_pauses(redis: Redis, deliveries: DeliveryStore) -> None:
    """Everything that waits is due, as if the time had passed."""
    due = deliveries.policy.keys()[0]
    for member in await redis.zrange(due, 0, -1):
        await redis.zadd(due, {str(member): 0})
