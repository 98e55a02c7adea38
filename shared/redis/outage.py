"""When Redis does not do what it is asked: away for a while, or refusing to write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger
from redis import exceptions

from shared.redis.client import AWAY

T = TypeVar("T")

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0  # Redis back after a restart is noticed within this


def outage_reason(error: BaseException) -> str | None:
    """What is wrong with Redis, in words for an operator; None when it is not Redis' fault.

    All of these pass without our doing, so whoever meets one waits and tries again.
    """
    if isinstance(error, exceptions.OutOfMemoryError):
        return "Redis is full (maxmemory): nothing can be saved"
    if isinstance(error, exceptions.ReadOnlyError):
        return "Redis is read-only (a replica, or a failover under way): nothing can be saved"
    if isinstance(error, AWAY):
        return f"Redis does not answer ({type(error).__name__})"
    if not isinstance(error, exceptions.ResponseError):
        return None
    # Errors that a script met are wrapped, so that only their text tells them.
    text = str(error)
    if "OOM" in text:
        return "Redis is full (maxmemory): nothing can be saved"
    if "READONLY" in text:
        return "Redis is read-only (a replica, or a failover under way): nothing can be saved"
    if "MISCONF" in text:
        return "Redis cannot write to its disk: nothing can be saved"
    if text.startswith(("MASTERDOWN", "NOREPLICAS", "LOADING")):
        return f"Redis does not answer ({text.partition(' ')[0]})"
    return None


def is_nogroup(error: BaseException) -> bool:
    """The consumer group is not there (any more): Redis was flushed, or lost its data."""
    return isinstance(error, exceptions.ResponseError) and "NOGROUP" in str(error)


class OutageBackoff:
    """Pauses that grow while a trouble lasts. `seen` tells what it is, None when there is none."""

    def __init__(self, what: str, on_change: Callable[[str | None], None] | None = None) -> None:
        self._what = what
        self._pause = FIRST_PAUSE_S
        self._on_change = on_change
        self.seen: str | None = None

    async def wait(self, reason: str) -> None:
        """Sleeps after a failure; the log hears of it once."""
        if self.seen != reason:
            logger.warning("{}: {}", self._what, reason)
            self._set(reason)
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)

    def over(self) -> None:
        if self.seen is not None:
            logger.info("{}: Redis answers again", self._what)
            self._set(None)
        self._pause = FIRST_PAUSE_S

    def _set(self, reason: str | None) -> None:
        self.seen = reason
        if self._on_change:
            self._on_change(reason)


async def retry_until_available(
    what: str,
    action: Callable[[], Awaitable[T]],
    *,
    until: asyncio.Event | None = None,
    on_change: Callable[[str | None], None] | None = None,
) -> T | None:
    """Does `action` until Redis lets it, or until `until` is set (then the answer is None).

    `on_change` is told what is wrong, and None when it is over. `action` must be safe to repeat:
    an answer that was lost on the way looks like a failure.
    """
    pauses = OutageBackoff(what, on_change)
    while True:
        try:
            answer = await action()
        except (exceptions.RedisError, OSError) as error:
            reason = outage_reason(error)
            if reason is None:
                raise
            if until is not None and until.is_set():
                return None
            await pauses.wait(reason)
        else:
            pauses.over()
            return answer
