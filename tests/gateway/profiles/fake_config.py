"""The config service, played."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from shared.clock import set_within
from shared.profiles import Profile
from shared.profiles.record import announce
from shared.redis import keys
from tests.gateway.conftest import put_profile
from tests.shared.builders import entries


@asynccontextmanager
async def config_service(redis: Redis, profile: Profile) -> AsyncIterator[None]:
    """Answers every wish with `profile`, as config does once it has fetched it."""

    stop = asyncio.Event()

    async def answer() -> None:
        answered = 0
        while not stop.is_set():
            for _ in (await entries(redis, keys.PROFILES_WANTED))[answered:]:
                answered += 1
                await put_profile(redis, profile)
                await announce(redis, profile.id, "new")
            await set_within(stop, 0.01)

    # Ended by an event: redis-py swallows some cancellations, and the test would wait for ever.
    task = asyncio.create_task(answer())
    try:
        yield
    finally:
        stop.set()
        await task
