"""A consumer: reads events of one stream for one group and has them handled, whatever dies.

Entries are read only when there is a free place for each. An entry stays pending in Redis until it
is acknowledged; one whose consumer died is taken over by another consumer within `policy.idle`.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from shared.bus import group_stats, maintenance
from shared.bus.claims import Claims
from shared.bus.entry import Address, Entry, Handler, consumer_name
from shared.bus.entry_processor import EntryProcessor
from shared.bus.in_hand import InHand
from shared.bus.newer_versions import NewerVersions
from shared.bus.policy import DEFAULT, Policy
from shared.clock import SYSTEM_CLOCK
from shared.events.base import Event
from shared.redis import keys
from shared.redis.outage import OutageBackoff, is_nogroup, outage_reason
from shared.runtime.background import Background
from shared.runtime.health import Health

GRACE_S = 10.0  # for handlers to end after a stop
STATS_EVERY_S = 5.0
MAINTENANCE_EVERY_S = 30.0


class Consumer:
    """One consumer of `group` on `stream`: background.run("...", consumer.run, critical=True).

    handlers: event class -> async function of (event, Context).
    health: told of dead letters, and of what fails beside the reading.
    on_outage: told what is wrong with Redis, and None when it is over.
    """

    def __init__(
        self,
        redis: Redis,
        stream: str,
        group: str,
        handlers: Mapping[type[Event], Handler],
        *,
        policy: Policy = DEFAULT,
        health: Health | None = None,
        on_outage: Callable[[str | None], None] | None = None,
    ) -> None:
        foreign = [cls.type for cls in handlers if cls.stream != stream]
        if foreign:
            raise ValueError(f"{foreign} are not events of {stream}")
        self.address = Address(stream, group, consumer_name(group))
        self._redis = redis
        self._policy = policy
        self._health = health
        self._claims = Claims(redis, self.address, idle=policy.idle)
        self._processor = EntryProcessor(
            redis, self.address, handlers, self._claims, policy, on_outage
        )
        self._in_hand = InHand(self._processor.process, policy.concurrency)
        self._newer = NewerVersions(self._processor.letters, handlers)
        self._outage = OutageBackoff(f"reading {stream} for {group}", on_outage)
        self._chores_at = 0.0

    async def run(self, stop: asyncio.Event, *, grace: float = GRACE_S) -> None:
        """Consumes until `stop` is set; then gives what is in hand `grace` seconds to end.

        What has not ended by then stays pending, for another consumer to take over. May be run
        again after it has raised.
        """
        self._processor.abandon.clear()
        async with Background(self._health) as beside:
            self._start_beside(beside)
            try:
                await self._read_until(stop)
                self._processor.abandon.set()  # with Redis away there is nothing to wait for
                await self._in_hand.finish(grace)
            finally:
                await self._in_hand.cancel()

    # Reading

    async def _read_until(self, stop: asyncio.Event) -> None:
        groups_known = False
        while not stop.is_set():
            try:
                if not groups_known:
                    await self._create_groups()
                    groups_known = True
                await self._read_once(stop)
                self._outage.over()
            except (RedisError, OSError) as error:
                if is_nogroup(error):
                    logger.warning("group {} is gone: creating it again", self.address.group)
                    groups_known = False
                    continue
                reason = outage_reason(error)
                if reason is None:
                    raise
                await self._outage.wait(reason, wake=stop)

    async def _read_once(self, stop: asyncio.Event) -> None:
        """Fills free places: with entries that are due or orphaned, then with new ones."""
        in_hand = self._in_hand
        if not await in_hand.wait_for_room(stop):
            return
        now = SYSTEM_CLOCK.monotonic()
        if now >= self._chores_at:
            self._chores_at = now + self._policy.block_ms / 1000
            await self._processor.retries.promote_due()
            in_hand.start(await self._read(self.address.retry_stream, block_ms=None))
            for stream in self.address.streams:
                if in_hand.free:
                    in_hand.start(await self._claims.take_over(stream, in_hand.free))
        if in_hand.free:
            in_hand.start(await self._read(self.address.stream, block_ms=self._policy.block_ms))

    async def _read(self, stream: str, *, block_ms: int | None) -> list[Entry]:
        answer = await self._redis.xreadgroup(
            self.address.group,
            self.address.consumer,
            {stream: ">"},
            count=self._in_hand.free,
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

    # Beside the reading

    def _start_beside(self, beside: Background) -> None:
        name = f"{self.address.group} on {self.address.stream}"
        beside.every(
            f"signs of life of {name}", self._policy.idle / 4, self._show_life, critical=True
        )
        beside.every(f"statistics of {name}", STATS_EVERY_S, self._show_stats)
        beside.every(
            f"maintenance of {name}",
            lambda: MAINTENANCE_EVERY_S * random.uniform(0.75, 1.25),
            self._maintain,
        )

    async def _show_life(self) -> None:
        """Tells Redis that entries in hand are being handled; drops those that were taken."""
        with _group_may_be_missing():
            for stream in self.address.streams:
                for entry_id in await self._claims.beat(stream, self._in_hand.of(stream)):
                    self._in_hand.drop(stream, entry_id)

    async def _show_stats(self) -> None:
        """Keeps /metrics up to date, and has /readyz name dead letters."""
        stream, group = self.address.stream, self.address.group
        stats = await group_stats.read_group_stats(self._redis, stream, group)
        group_stats.show(stream, group, stats)
        if self._health is None:
            return
        short = stream.removeprefix(keys.PREFIX)
        reason = f"events of {short} that were given up: {stats.dead}; see `bolchaal events list`"
        self._health.set_degraded(f"dead_events:{short}", reason if stats.dead else None)

    async def _maintain(self) -> None:
        await self._newer.take_up()
        for stream in self.address.streams:
            with _group_may_be_missing():
                await maintenance.remove_idle_consumers(self._redis, stream, self.address.group)
            await maintenance.trim(self._redis, stream)


@contextlib.contextmanager
def _group_may_be_missing() -> Iterator[None]:
    """Before the first read, and after Redis lost its data: the reading creates it (again)."""
    try:
        yield
    except ResponseError as error:
        if not is_nogroup(error):
            raise
