"""Store and forward: what a caller says goes to Redis, or to the local spool while Redis is away.

When `apply` returns, the change is safe in one of the two. What is in the spool goes to Redis
before anything newer of the same lead does, and else once a second (`drain_once`). A row of the
spool that cannot go, since this version cannot read it or Redis refuses it for good, is set aside:
/readyz says so, `python -m services.agent.spool` shows it, and all others go on. It is tried again
when somebody gives it back, and by the first drain of each process: an update may have mended it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from loguru import logger
from redis.exceptions import RedisError

from shared.leads.model import LeadChange, LeadContext
from shared.leads.repository import Leads, Merged
from shared.leads.spool import Spool, SpoolError, SpoolRow, Unreadable
from shared.redis.outage import outage_reason

PATIENCE_S = 1.0  # Redis answers in a millisecond; the caller waits for us to say "noted"
DRAIN_EVERY_S = 1.0


class RedisUnavailable(Exception):
    """Redis did not take it, and will when it is back: so the spool keeps it. The text says why."""


class StoreAndForward:
    """Saves changes of leads.

    `patience` is how long Redis is waited for, in seconds. `on_outage` is told what is wrong with
    saving ("redis" or "spool"), and None when it is over.
    """

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
        self._on_outage = on_outage or (lambda _, __: None)
        self._given_back = False

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
            self._on_outage("spool", error.message)
            try:
                return await self._merge(context, changes)
            except RedisUnavailable:
                raise error from None

    async def drain_once(self) -> None:
        """Empties the spool into Redis as far as it goes now, unless another process is at it.

        What keeps it is told to `on_outage`, not raised: it is tried again a second later.
        """
        try:
            with self._spool.draining() as ours:
                if ours:
                    await self._give_back_once()
                    await self._drain()
            await self._tell_what_is_aside()
        except RedisUnavailable as error:
            self._on_outage("redis", str(error))
        except SpoolError as error:
            self._on_outage("spool", error.message)

    async def _give_back_once(self) -> None:
        """What an earlier process set aside, this one may be able to read."""
        if not self._given_back:
            with suppress(SpoolError):  # nobody waits for it; the next drain tries again
                await self._spool.give_back()
                self._given_back = True

    async def _tell_what_is_aside(self) -> None:
        aside = await self._spool.count(set_aside=True)
        self._on_outage("redis", None)
        self._on_outage(
            "spool",
            f"{aside} changes in the spool were set aside: see `python -m services.agent.spool`"
            if aside
            else None,
        )

    async def _to_spool(
        self, context: LeadContext, changes: Sequence[LeadChange], reason: str
    ) -> None:
        self._on_outage("redis", reason)
        try:
            await self._spool.add(context, changes)
        except SpoolError as error:
            logger.error("a change of lead {} could not be saved", context.lead_id)
            self._on_outage("spool", error.message)
            raise
        logger.warning("a change of lead {} waits in the spool: {}", context.lead_id, reason)

    async def _drain(self, *, lead_id: str | None = None) -> None:
        """What waits, the oldest first: into Redis, then out of the spool. Safe to repeat.

        A row that the disk does not let go of holds nobody up: its SpoolError is raised at the end.
        """
        after, refused = 0, None
        while rows := await self._spool.waiting(after=after, lead_id=lead_id):
            for row in rows:
                try:
                    await self._forward(row)
                except SpoolError as error:
                    refused = error
            after = rows[-1].id
        if refused is not None:
            raise refused

    async def _forward(self, row: SpoolRow) -> None:
        """Moves one row to Redis, or sets it aside. Raises RedisUnavailable, SpoolError."""
        try:
            await self._merge(*row.read())
        except Unreadable as error:
            fault = str(error)
        except RedisError as error:
            fault = f"Redis refuses it: {type(error).__name__}"
        else:
            logger.info("a change of lead {} went from the spool to Redis", row.lead_id)
            await self._spool.remove(row)
            return
        logger.error("row {} of the spool is set aside: {}", row.id, fault)
        await self._spool.set_aside(row, fault)

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
