"""Doing a thing once, however often it is asked for under the same key."""

import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from shared.redis.client import AWAY


@contextlib.asynccontextmanager
async def once(redis: Redis, key: str, *, seconds: int) -> AsyncIterator[bool]:
    """Gives True the first time, and False for `seconds` after that.

    When the work under it fails the key is forgotten: the sender will try again, and must be heard.
    """
    first = bool(await redis.set(key, "1", nx=True, ex=seconds))
    try:
        yield first
    except BaseException:  # a sender who hangs up cancels us: that work failed, too
        if first:
            with contextlib.suppress(*AWAY):
                await redis.delete(key)
        raise
