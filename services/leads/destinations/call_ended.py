"""call-ended: the report of a call, made of what Redis holds when it is posted."""

import statistics
from collections.abc import Iterator, Sequence

from pydantic import Field

from services.leads.delivery.model import ClaimedAttempt
from services.leads.destinations.base import Destination, DestinationSettings, Wanted
from shared.calls import Call, Calls
from shared.calls.log import CallEnd, CallLog, Logged, Turn
from shared.clock import from_ms
from shared.deliveries import CALL_ENDED
from shared.errors import NotFound
from shared.events import CallEnded
from shared.leads import Lead, Leads
from shared.runtime.settings import WebhookPath
from shared.webhook_payloads import CallEndedReport, CallLatency, CallReport, TranscriptTurn


class CallEndedSettings(DestinationSettings):
    n8n_webhook_call_ended: WebhookPath | None = Field(
        None,
        description="path of the N8N webhook that takes a report of each call after its end, e.g."
        " /webhook/call-ended; unset: none is sent",
    )


class CallReports(Destination[CallEnded, CallEndedReport]):
    name = CALL_ENDED
    event = CallEnded
    settings = CallEndedSettings

    def wanted(self, event: CallEnded) -> Wanted:
        return Wanted(event.call_id, 1, event.call_id)

    async def payload(self, claimed: ClaimedAttempt) -> CallEndedReport:
        call = await Calls(self.redis, source="leads").get(claimed.subject)
        entries = await CallLog(self.redis).read(call.id)
        data = report(call, entries, await self._lead(call.lead_id))
        return CallEndedReport(timestamp=claimed.captured_at, data=data)

    def shortened(self, payload: CallEndedReport) -> Iterator[CallEndedReport]:
        """The oldest turns go first, and `truncated` says so."""
        turns = payload.data.transcript
        while turns:
            turns = turns[len(turns) // 4 + 1 :]
            data = payload.data.model_copy(update={"transcript": turns, "truncated": True})
            yield payload.model_copy(update={"data": data})

    async def _lead(self, lead_id: str) -> Lead | None:
        try:
            return await Leads(self.redis, source="leads").get(lead_id)
        except NotFound:
            return None


DESTINATION = CallReports


def report(call: Call, entries: Sequence[Logged], lead: Lead | None) -> CallReport:
    """The `data` of call.ended."""
    turns = [each.entry for each in entries if isinstance(each.entry, Turn)]
    ends = [each.entry for each in entries if isinstance(each.entry, CallEnd)]
    return CallReport(
        call_id=call.id,
        account=call.account,
        room=call.room,
        channel=call.channel,
        caller=call.caller,
        agent_id=call.agent_id,
        profile_version=call.profile_version,
        language=call.language,
        how=call.how,
        outcome=call.outcome,
        started_at=from_ms(call.started_ms or call.created_ms),
        ended_at=from_ms(call.ended_ms) if call.ended_ms else None,
        duration_ms=ends[-1].duration_ms if ends else None,
        transcript=[
            TranscriptTurn(
                at=from_ms(turn.at_ms), **turn.model_dump(exclude={"type", "at_ms", "latency"})
            )
            for turn in turns
        ],
        lead=lead.webhook_data() if lead else None,
        latency=_latency(turns),
    )


def _latency(turns: Sequence[Turn]) -> CallLatency:
    heard = sorted(
        turn.latency.e2e_ms for turn in turns if turn.latency and turn.latency.e2e_ms is not None
    )
    if not heard:
        return CallLatency(turns=0, e2e_p50_ms=None, e2e_p95_ms=None)
    return CallLatency(
        turns=len(heard),
        e2e_p50_ms=round(statistics.median(heard)),
        e2e_p95_ms=heard[min(len(heard) - 1, round(0.95 * (len(heard) - 1)))],
    )
