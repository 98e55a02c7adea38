"""Doing a thing once, however often it is asked for under the same key."""

import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import RedisError


@contextlib.asynccontextmanager
async def idempotent(redis: Redis, key: str, *, remember_s: int) -> AsyncIterator[bool]:
    """Gives True the first time, and False for `remember_s` seconds after that.

    When the work under it fails the key is forgotten, so that the sender's next try is taken.
    """
    first = bool(await redis.set(key, "1", nx=True, ex=remember_s))
    try:
        yield first
    except BaseException:  # a sender who hangs up cancels us: that work failed, too
        if first:
            with contextlib.suppress(RedisError, OSError):
                await redis.delete(key)
        raise
