"""When Redis does not do what it is asked: away for a while, or refusing to write.

One decision for everybody who loops: `outage_reason` tells what passes by itself, so that waiting
and trying again helps. Everything else is a fault of ours or of the set-up, and is raised.
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from loguru import logger
from redis import exceptions

from shared.backoff import Backoff
from shared.clock import SYSTEM_CLOCK, Clock, set_within
from shared.redis.client import AWAY

T = TypeVar("T")

OUTAGE_BACKOFF = Backoff(first=0.05, longest=1.0)  # a Redis that is back is noticed within 1 s

# The error codes of Redis that pass by themselves, or when an operator makes room. NOPERM,
# WRONGTYPE, NOSCRIPT, MOVED and CROSSSLOT are not among them: no waiting helps.
REASONS: Final = {
    "OOM": "Redis is full (maxmemory): nothing can be saved",
    "READONLY": "Redis is read-only (a replica, or a failover under way): nothing can be saved",
    "MISCONF": "Redis cannot write to its disk: nothing can be saved",
    "NOREPLICAS": "Redis has too few replicas (min-replicas-to-write): nothing can be saved",
    "LOADING": "Redis does not answer (LOADING): it reads its data after a start",
    "MASTERDOWN": "Redis does not answer (MASTERDOWN): a replica without its primary",
    "CLUSTERDOWN": "Redis does not answer (CLUSTERDOWN): a failover is under way",
    "TRYAGAIN": "Redis does not answer (TRYAGAIN): its data is on the move",
    "UNBLOCKED": "Redis does not answer (UNBLOCKED): a failover is under way",
    "BUSY": "Redis does not answer (BUSY): a script runs too long",
}
_CODE_IN_TEXT = re.compile(rf"\b({'|'.join(REASONS)})\b")


# redis-py takes the code off the text of these.
_CODES_OF_CLASSES: Final = (
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.BusyLoadingError, "LOADING"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.TryAgainError, "TRYAGAIN"),
)


def outage_reason(error: BaseException) -> str | None:
    """What is wrong with Redis, in words for an operator; None when waiting would not help."""
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return "Redis refuses the user or password of REDIS_URL"
    if code := _code(error):
        return REASONS[code]
    if isinstance(error, AWAY):
        return f"Redis does not answer ({type(error).__name__})"
    return None


def _code(error: BaseException) -> str | None:
    for kind, code in _CODES_OF_CLASSES:
        if isinstance(error, kind):
            return code
    if not isinstance(error, exceptions.ResponseError):
        return None
    # A script or a pipeline may have put words before the code.
    found = _CODE_IN_TEXT.search(str(error))
    return found[1] if found else None


def is_nogroup(error: BaseException) -> bool:
    """The consumer group is not there (any more): Redis was flushed, or lost its data."""
    return isinstance(error, exceptions.ResponseError) and "NOGROUP" in str(error)


class OutageBackoff:
    """Pauses that grow while an outage lasts. `reason` is None when there is none.

    what: what is being tried, for the log. on_outage: told the reason, and None when it is over.
    """

    def __init__(
        self,
        what: str,
        on_outage: Callable[[str | None], None] | None = None,
        *,
        backoff: Backoff = OUTAGE_BACKOFF,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._what = what
        self._on_outage = on_outage
        self._backoff = backoff
        self._clock = clock
        self._failures = 0
        self.reason: str | None = None

    async def wait(
        self, reason: str, *, wake: asyncio.Event | None = None, at_most: float = math.inf
    ) -> None:
        """Pauses after a failure, `at_most` seconds and not beyond `wake`.

        The log hears of each reason once.
        """
        if self.reason != reason:
            logger.warning("{}: {}", self._what, reason)
            self._set(reason)
        self._failures += 1
        pause = min(self._backoff.delay(self._failures), at_most)
        if wake is None:
            await self._clock.sleep(pause)
        else:
            await set_within(wake, pause)

    def over(self) -> None:
        """Redis has done what it was asked."""
        if self.reason is not None:
            logger.info("{}: Redis answers again", self._what)
            self._set(None)
        self._failures = 0

    def _set(self, reason: str | None) -> None:
        self.reason = reason
        if self._on_outage is not None:
            self._on_outage(reason)


async def retry_until_available(
    what: str,
    action: Callable[[], Awaitable[T]],
    *,
    until: asyncio.Event | None = None,
    within: float = math.inf,
    on_outage: Callable[[str | None], None] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> T | None:
    """Does `action` until Redis lets it, or until `until` is set (then the answer is None).

    Raises TimeoutError when it has not succeeded `within` seconds. Use that instead of a limit
    around it: asyncio.timeout cancels once, redis-py swallows some cancellations, and the trying
    would go on for ever.

    `on_outage` is told what is wrong, and None when it is over. `action` must be safe to repeat:
    an answer that was lost on the way looks like a failure. Raises what waiting does not help.
    """
    outage = OutageBackoff(what, on_outage, clock=clock)
    deadline = clock.monotonic() + within

    def left() -> float:
        return max(0.0, deadline - clock.monotonic())

    while True:
        try:
            async with asyncio.timeout(None if within == math.inf else left()):
                answer = await action()
        except (exceptions.RedisError, OSError) as error:
            reason = outage_reason(error)
            if reason is None:
                raise
            if until is not None and until.is_set():
                return None
            if not left():
                # The limit may have cut a try short: the tries before it know more.
                known = outage.reason if isinstance(error, TimeoutError) else None
                raise TimeoutError(known or reason) from error
            await outage.wait(reason, wake=until, at_most=left())
        else:
            outage.over()
            return answer
