"""Where values go: to Redis, or to the local spool while it is away, or nowhere and it is said."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from shared.leads import LeadChange, LeadContext, Leads, Merged
from shared.leads.spool import Spool
from shared.leads.store_and_forward import StoreAndForward
from shared.redis.outage import retry_until_available


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
        return await retry_until_available(
            "a lead", partial(self._leads.apply, context, changes), within=self._patience
        )


def open_sink(leads: Leads, spool: Spool | None, *, patience: float) -> LeadSink:
    """What a call saves into."""
    if spool is None:
        return RedisOnly(leads, patience=patience)
    return StoreAndForward(leads, spool, patience=patience)
