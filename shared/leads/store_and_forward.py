"""Saving what a caller says: in Redis, or on the local disk while Redis is away.

When `apply` returns, the change is safe in one of the two. What is in the spool goes to Redis
before anything newer of the same lead does.
"""

import asyncio
from collections.abc import Callable, Sequence

from loguru import logger
from redis.exceptions import RedisError

from shared.leads.model import LeadChange, LeadContext
from shared.leads.repository import Leads, Merged
from shared.leads.spool import Spool, Spooled, SpoolError
from shared.redis.outage import outage_reason

PATIENCE_S = 1.0  # Redis answers in a millisecond; the caller waits for us to say "noted"
DRAIN_EVERY_S = 1.0


class RedisUnavailable(Exception):
    """Redis did not take it: a matter for the spool. The text is what is wrong."""


class StoreAndForward:
    """`on_outage` is told what is wrong with saving ("redis" or "spool"), None when it is over."""

    def __init__(
        self,
        leads: Leads,
        spool: Spool,
        *,
        patience: float = PATIENCE_S,
        on_outage: Callable[[str, str | None], None] | None = None,
    ) -> None:
        self._leads = leads
        self._spool = spool
        self._patience = patience
        self._on_trouble = on_outage or (lambda _, __: None)

    async def apply(self, context: LeadContext, changes: Sequence[LeadChange]) -> Merged | None:
        """Saves changes; answers what the merge made of them, or None when they are in the spool.

        Raises SpoolError when neither Redis nor the disk took them: then nothing is saved.
        """
        try:
            await self._drain(lead_id=context.lead_id)
            return await self._merge(context, changes)
        except RedisUnavailable as error:
            await self._to_spool(context, changes, str(error))
            return None
        except SpoolError as error:
            # The spool cannot be read, so what is in it cannot be older than what it holds; the
            # merge puts changes in order anyway. Redis is the better place.
            self._on_trouble("spool", error.message)
            try:
                return await self._merge(context, changes)
            except RedisUnavailable:
                raise error from None

    async def run(self, stop: asyncio.Event, *, every: float = DRAIN_EVERY_S) -> None:
        """Empties the spool into Redis whenever it can, until `stop`: once a process is enough."""
        while not stop.is_set():
            try:
                with self._spool.draining() as ours:
                    if ours:
                        await self._drain()
                await self._look()
            except RedisUnavailable as error:
                self._on_trouble("redis", str(error))
            except SpoolError as error:
                self._on_trouble("spool", error.message)
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        aside = await self._spool.count(set_aside=True)
        self._on_trouble("redis", None)
        self._on_trouble(
            "spool", f"{aside} changes in the spool cannot be read by Redis" if aside else None
        )

    async def _to_spool(
        self, context: LeadContext, changes: Sequence[LeadChange], reason: str
    ) -> None:
        self._on_trouble("redis", reason)
        try:
            await self._spool.add(context, changes)
        except SpoolError as error:
            logger.error("a change of lead {} could not be saved", context.lead_id)
            self._on_trouble("spool", error.message)
            raise
        logger.warning("a change of lead {} waits in the spool: {}", context.lead_id, reason)

    async def _drain(self, *, lead_id: str | None = None) -> None:
        """What waits, the oldest first: into Redis, then out of the spool. Safe to repeat."""
        while waiting := await self._spool.oldest(lead_id=lead_id):
            for spooled in waiting:
                await self._move(spooled)
            logger.info("{} changes went from the spool to Redis", len(waiting))

    async def _move(self, spooled: Spooled) -> None:
        try:
            await self._merge(spooled.context, spooled.changes)
        except RedisError as error:
            logger.error("spooled change {} set aside: {}", spooled.id, type(error).__name__)
            await self._spool.set_aside(spooled.id, type(error).__name__)
        else:
            await self._spool.remove(spooled.id)

    async def _merge(self, context: LeadContext, changes: Sequence[LeadChange]) -> Merged:
        """Raises RedisUnavailable for what passes, RedisError for what does not."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._leads.apply(context, changes)
        except TimeoutError as error:
            raise RedisUnavailable("Redis does not answer in time") from error
        except (RedisError, OSError) as error:
            if (reason := outage_reason(error)) is None:
                raise
            raise RedisUnavailable(reason) from error
