"""A consumer in a process of its own, for tests that kill it: notes each number in a set."""

import asyncio
import sys

from shared.bus import Consumer, Context, Policy
from shared.redis.client import connect
from shared.redis.outage import retry_until_available
from tests.bus.events import GROUP, STREAM, Counted


async def main(url: str) -> None:
    redis = connect(url)

    async def note(event: Counted, _: Context) -> None:
        await asyncio.sleep(0.002)  # so that it is killed with entries in hand
        await retry_until_available("noting", lambda: redis.sadd("handled", event.number))

    consumer = Consumer(redis, STREAM, GROUP, {Counted: note}, policy=Policy(idle=0.5, block_ms=50))
    await consumer.run(asyncio.Event())


asyncio.run(main(sys.argv[1]))
