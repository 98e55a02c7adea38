"""A stream on which much lies."""

import asyncio

from redis.asyncio import Redis

from tests.bench.backlog import fill
from tests.leads.world import Caller, delivering


async def test_old_entries_do_not_delay_a_new_lead(redis: Redis, redis_url: str) -> None:
    """After a year of leads, each start of the service would take longer than the one before."""
    await fill(redis, 50_000, handled=True)
    caller = Caller(redis)
    await caller.gives_all()
    async with asyncio.timeout(5.0), delivering(redis, redis_url):
        await caller.reaches("acknowledged")
