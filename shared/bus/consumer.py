"""A consumer: reads events of one stream for one group and has them handled, whatever dies.

Entries are read only when there is a free worker for each. An entry stays pending in Redis until it
is settled; one whose consumer died is taken over by another consumer within `idle` seconds.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from shared.bus import group_stats, maintenance
from shared.bus.claims import Claims
from shared.bus.entry import Address, Entry, Handler, consumer_name
from shared.bus.entry_processor import EntryProcessor
from shared.bus.retry import RetryPolicy
from shared.events.base import Event
from shared.redis.outage import OutageBackoff, is_nogroup, outage_reason

BLOCK_MS = 500  # how long a read waits; a stop is noticed within it
IDLE_S = 5.0  # a worker that is silent for this long is dead; it shows life four times as often
UPKEEP_EVERY_S = 30.0


class Consumer:
    """One consumer of `group` on `stream`.

    handlers: event class -> async function of (event, Context).
    concurrency: entries in hand at once. timeout: seconds after which a handler is given up.
    idle: seconds after which an entry without a sign of life is taken over.
    once: keep a record of handled events and drop duplicates (see EntryProcessor).
    on_outage: told what is wrong with Redis, and None when it is over; for health.
    """

    def __init__(
        self,
        redis: Redis,
        stream: str,
        group: str,
        handlers: Mapping[type[Event], Handler],
        *,
        source: str | None = None,
        concurrency: int = 8,
        timeout: float = 300.0,
        idle: float = IDLE_S,
        block_ms: int = BLOCK_MS,
        policy: RetryPolicy | None = None,
        deduplicate: bool = True,
        keep: float = maintenance.KEEP_S,
        on_outage: Callable[[str | None], None] | None = None,
    ) -> None:
        foreign = [cls.type for cls in handlers if cls.stream != stream]
        if foreign:
            raise ValueError(f"{foreign} are not events of {stream}")
        self._redis = redis
        self._block_ms = block_ms
        self._idle = idle
        self._keep = keep
        self._concurrency = concurrency
        self.address = Address(stream, group, consumer_name(source or group))
        self._claims = Claims(redis, self.address, idle=idle)
        self._on_trouble = on_outage or _nobody
        self._processor = EntryProcessor(
            redis,
            self.address,
            handlers,
            self._claims,
            policy or RetryPolicy(),
            deduplicate=deduplicate,
            timeout=timeout,
            on_outage=self._on_trouble,
        )
        self._pauses = OutageBackoff(f"reading {stream} for {group}", self._on_trouble)
        self._running: dict[tuple[str, str], tuple[Entry, asyncio.Task[None]]] = {}
        self._freed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()  # nothing is in hand any more
        self._stopped = asyncio.Event()
        self._chores_at = 0.0

    async def run(self, *, grace: float = 10.0) -> None:
        """Consumes until `stop`; then gives what is in hand `grace` seconds to end.

        What has not ended by then stays pending, for another consumer to take over.
        """
        try:
            async with asyncio.TaskGroup() as beside:
                for each in (self._show_life(), self._upkeep()):
                    # One that fails cancels the reading, which redis-py may swallow: ask as well.
                    beside.create_task(each).add_done_callback(lambda _: self.ask_to_stop())
                try:
                    await self._read_on()
                    await self._finish(grace)
                finally:
                    self._over.set()
        finally:
            left = [task for _, task in self._running.values()]
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=1.0)
            self._stopped.set()

    async def stop(self) -> None:
        """Stops reading, and waits until `run` has ended."""
        self.ask_to_stop()
        await self._stopped.wait()

    def ask_to_stop(self) -> None:
        """Stops reading, without waiting for it."""
        self._stopping.set()
        self._freed.set()

    @property
    def trouble(self) -> str | None:
        """What is wrong with Redis, None when reading works."""
        return self._pauses.reason

    # Reading

    async def _read_on(self) -> None:
        groups_known = False
        while not self._stopping.is_set():
            try:
                if not groups_known:
                    await self._create_groups()
                    groups_known = True
                await self._read_once()
                self._pauses.over()
            except (RedisError, OSError) as error:
                if is_nogroup(error):
                    logger.warning("group {} is gone: creating it again", self.address.group)
                    groups_known = False
                    continue
                reason = outage_reason(error)
                if reason is None:
                    raise
                await self._pauses.wait(reason)

    async def _read_once(self) -> None:
        """Fills free workers: with entries that are due or orphaned, then with new ones."""
        if not await self._room():
            return
        if time.monotonic() >= self._chores_at:
            self._chores_at = time.monotonic() + self._block_ms / 1000
            await self._processor.retries.promote_due()
            self._start(await self._read(self.address.retry_stream, block_ms=None))
            for stream in self.address.streams:
                if self._free:
                    self._start(await self._claims.take_over(stream, self._free))
        if self._free:
            self._start(await self._read(self.address.stream, block_ms=self._block_ms))

    async def _read(self, stream: str, *, block_ms: int | None) -> list[Entry]:
        answer = await self._redis.xreadgroup(
            self.address.group,
            self.address.consumer,
            {stream: ">"},
            count=self._free,
            block=block_ms,
        )
        return [
            Entry(name, entry_id, fields or {})
            for name, entries in cast("list[tuple[str, list[tuple[str, Any]]]]", answer or [])
            for entry_id, fields in entries
        ]

    async def _create_groups(self) -> None:
        """Groups begin at 0: what was published before the first consumer came is not lost."""
        for stream in self.address.streams:
            try:
                await self._redis.xgroup_create(stream, self.address.group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    # Workers

    @property
    def _free(self) -> int:
        return self._concurrency - len(self._running)

    async def _room(self) -> bool:
        """Waits for a free worker; False when it is time to stop."""
        while self._free <= 0 and not self._stopping.is_set():
            self._freed.clear()
            await self._freed.wait()
        return not self._stopping.is_set()

    def _start(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            key = (entry.stream, entry.id)
            if key in self._running:
                continue  # our own sign of life was late, and we took it over from ourselves
            task = asyncio.create_task(self._processor.process(entry), name=f"handle-{entry.id}")
            self._running[key] = (entry, task)
            task.add_done_callback(lambda done, key=key: self._ended(key, done))  # type: ignore[misc]

    def _ended(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()):
            # The entry stays pending, and is taken over and tried again.
            logger.opt(exception=error).error("entry {} could not be settled", key[1])

    async def _finish(self, grace: float) -> None:
        tasks = [task for _, task in self._running.values()]
        if not tasks:
            return
        self._processor.abandon.set()  # with Redis away there is nothing to wait for
        _, late = await asyncio.wait(tasks, timeout=grace)
        if late:
            logger.warning("{} entries of {} left pending", len(late), self.address.stream)

    # Alongside

    async def _show_life(self) -> None:
        """Tells Redis that entries in hand are being handled; drops those that were taken."""
        while not await self._over_within(self._idle / 4):
            with _redis_may_be_away():
                for stream in self.address.streams:
                    held = [entry for entry, _ in self._running.values() if entry.stream == stream]
                    for entry_id in await self._claims.beat(stream, held):
                        self._drop(stream, entry_id)

    def _drop(self, stream: str, entry_id: str) -> None:
        """Ends the handling of an entry that another consumer has: it is handled there."""
        if held := self._running.get((stream, entry_id)):
            logger.warning("entry {} was taken over by another consumer", entry_id)
            held[1].cancel()

    async def _upkeep(self) -> None:
        pause = 0.0
        while not await self._over_within(pause):
            with _redis_may_be_away():
                for stream in self.address.streams:
                    await maintenance.remove_idle_consumers(self._redis, stream, self.address.group)
                    await maintenance.trim(self._redis, stream, keep=self._keep)
            pause = UPKEEP_EVERY_S * random.uniform(0.75, 1.25)

    async def _over_within(self, seconds: float) -> bool:
        """Sleeps, and wakes early with True when the consumer has ended.

        Nobody cancels what runs beside the reading: redis-py 8.1 swallows one cancellation in four
        that meets a command, and then the task goes on for ever; or it loses the connection.
        """
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def watch(self, *, every: float = 5.0) -> None:
        """Keeps the gauges of /metrics up to date until the consumer has ended."""
        stream, group = self.address.stream, self.address.group
        pause = 0.0
        while not await self._over_within(pause):
            with _redis_may_be_away():
                group_stats.show(
                    stream, group, await group_stats.read_group_stats(self._redis, stream, group)
                )
            pause = every


@contextlib.contextmanager
def _redis_may_be_away() -> Iterator[None]:
    """The reading loop says what is wrong; what runs beside it tries again in its next turn."""
    try:
        yield
    except (RedisError, OSError) as error:
        if outage_reason(error) is None and not is_nogroup(error):
            raise


def _nobody(_: str | None) -> None:
    """Nobody asked to be told of trouble: the log has it."""
