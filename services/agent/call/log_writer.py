"""Writing the call log: turns, states, tools and notices, as they happen.

Entries go through a bounded queue, so that the voice never waits for Redis: while it is away they
collect in memory, in order, and follow when it is back.
"""

import asyncio
from collections import deque
from functools import partial

from loguru import logger
from redis.exceptions import RedisError

from shared.calls import HeldCall
from shared.calls.log import CallLog, LogEntry
from shared.clock import SYSTEM_CLOCK, Clock, set_within
from shared.errors import NotOwner
from shared.redis.outage import retry_until_available
from shared.runtime.tasks import first_of


class CallLogWriter:
    """One agent's hand on one call's log. `lost` is set when another agent holds the call.

    `limit` is how many entries are kept in memory; beyond it the oldest are dropped.
    """

    def __init__(
        self, log: CallLog, held: HeldCall, *, limit: int = 2000, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._log = log
        self._held = held
        self._clock = clock
        self._queue: deque[LogEntry] = deque()
        self._limit = limit
        self._dropped = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.lost = asyncio.Event()

    def write(self, entry: LogEntry) -> None:
        """Takes an entry that happens now; does not wait."""
        if self.lost.is_set():
            return
        if len(self._queue) >= self._limit:
            self._queue.popleft()
            self._dropped += 1
        self._queue.append(entry.model_copy(update={"at_ms": self._clock.now_ms()}))
        self._idle.clear()
        self._wake.set()

    async def drain(self, timeout: float) -> bool:
        """Waits until all is written, `timeout` seconds at most; whether it is."""
        if await set_within(self._idle, timeout):
            return True
        logger.warning("call log entries are not written: Redis is away")
        return False

    async def run(self, stop: asyncio.Event) -> None:
        """Brings the entries to Redis, until `stop`."""
        while not stop.is_set():
            while self._queue and not stop.is_set():
                await self._write_oldest(stop)
            if not self._queue:
                self._idle.set()
            await first_of(self._wake, stop)
            self._wake.clear()

    async def _write_oldest(self, stop: asyncio.Event) -> None:
        # Taken out first: an entry that Redis will never take must not hold up all that follow.
        entry = self._queue.popleft()
        try:
            await retry_until_available(
                "call log", partial(self._log.append_held, self._held, entry), until=stop
            )
        except NotOwner:
            self._queue.clear()
            self.lost.set()
        except RedisError as error:
            logger.error("call log entry lost: {}", type(error).__name__)
        if self._dropped:
            logger.warning("{} call log entries dropped: memory is full", self._dropped)
            self._dropped = 0
