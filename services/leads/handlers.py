"""From the bus to the ledgers: what is to be delivered."""

from collections.abc import Callable

from services.leads.delivery.store import Ledger
from shared.bus import Context
from shared.clock import isoformat
from shared.events import CallEnded, LeadChanged


class Intake:
    """The handlers of the two streams.

    Each records its delivery and acknowledges the event in one script, which is safe to repeat: so
    these groups keep no record of handled events. `reports` is None when no report is wanted.
    """

    def __init__(
        self, leads: Ledger, reports: Ledger | None, *, wake: Callable[[str], None]
    ) -> None:
        self._leads = leads
        self._reports = reports
        self._wake = wake

    async def lead_changed(self, event: LeadChanged, context: Context) -> None:
        """A revision that is complete, or the last one of its call, is to be sent."""
        if not event.postable:
            return
        await self._leads.want(
            event.lead_id,
            event.revision,
            call_id=event.call_id,
            captured_at=isoformat(event.at),
            context=context,
        )
        self._wake(self._leads.rules.name)

    async def call_ended(self, event: CallEnded, context: Context) -> None:
        if self._reports is None:
            return
        await self._reports.want(
            event.call_id,
            1,
            call_id=event.call_id,
            captured_at=isoformat(event.at),
            context=context,
        )
        self._wake(self._reports.rules.name)
