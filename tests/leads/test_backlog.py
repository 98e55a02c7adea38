"""A stream on which much lies."""

import asyncio

from loguru import logger
from redis.asyncio import Redis

from shared.redis.client import connect
from tests.bench.backlog import fill
from tests.leads.world import Caller, delivering


async def test_old_entries_do_not_delay_a_new_lead(redis: Redis, redis_url: str) -> None:
    """After a year of leads, each start of the service would take longer than the one before."""
    await fill(redis, 50_000, handled=True)
    caller = Caller(redis)
    await caller.gives_all()
    async with asyncio.timeout(5.0), delivering(redis, redis_url):
        await caller.reaches("acknowledged")


async def test_many_leads_at_once_need_few_connections(redis: Redis, redis_url: str) -> None:
    """After an outage, the service would run out of connections and call that a dead Redis."""
    callers = [Caller(redis) for _ in range(150)]
    for caller in callers:
        await caller.gives_all()
    few = connect(redis_url, max_connections=20)
    troubles: list[str] = []
    sink = logger.add(troubles.append, level="WARNING", format="{message}")
    async with delivering(few, redis_url) as n8n:
        for caller in callers:
            await caller.reaches("acknowledged", seconds=20)
    assert len(n8n.posts) == 150
    logger.remove(sink)
    assert troubles == []
    await few.aclose()
