"""Where values go: to Redis, or to the local spool while it is away, or nowhere and it is said."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from loguru import logger

from shared.bus import retry_until_available
from shared.leads import LeadChange, LeadContext, Leads, Merged
from shared.leads.spool import Spool, SpoolError
from shared.leads.store_and_forward import StoreAndForward
from shared.runtime.health import Health


class LeadSink(Protocol):
    async def apply(self, context: LeadContext, changes: Sequence[LeadChange]) -> Merged | None:
        """Safe when it returns; None when in the spool. Raises when nothing took it:
        SpoolError, TimeoutError, RedisError.
        """
        ...


class RedisOnly:
    """For a machine whose disk takes no spool: waits `patience` seconds for Redis."""

    def __init__(self, leads: Leads, *, patience: float) -> None:
        self._leads = leads
        self._patience = patience

    async def apply(self, context: LeadContext, changes: Sequence[LeadChange]) -> Merged | None:
        async with asyncio.timeout(self._patience):
            return await retry_until_available(
                "a lead", partial(self._leads.apply, context, changes)
            )


def open_spool(folder: Path) -> Spool | None:
    """The spool, or None with a line in the log: calls are held on a full disk, too."""
    try:
        return Spool(folder)
    except SpoolError as error:
        logger.error("SPOOL_DIR {}: {}", folder, error.message)
        return None


def sink(leads: Leads, spool: Spool | None, *, patience: float) -> LeadSink:
    """What a call saves into."""
    if spool is None:
        return RedisOnly(leads, patience=patience)
    return StoreAndForward(leads, spool, patience=patience)


async def drain(leads: Leads, spool: Spool | None, health: Health, stop: asyncio.Event) -> None:
    """Brings what the calls spooled to Redis, until `stop`; says on /readyz what keeps it."""

    def on_outage(name: str, reason: str | None) -> None:
        # That Redis is away is said by the health reports already.
        if name == "redis":
            return
        if reason is None:
            health.set_ok(name)
        else:
            health.set_degraded(name, reason)

    if spool is None:
        on_outage("spool", "SPOOL_DIR cannot be written: leads are safe only while Redis answers")
        return
    await StoreAndForward(leads, spool, on_outage=on_outage).run(stop)
