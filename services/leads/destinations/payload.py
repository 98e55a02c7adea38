"""What is posted: a lead's revision, or the report of a call that has ended."""

import json
import statistics
from typing import Any

from services.leads.delivery.store import Claimed
from shared.calls import Call, Calls
from shared.calls.log import CallEnd, CallLog, Logged, Turn
from shared.clock import from_ms
from shared.errors import NotFound, Permanent
from shared.leads import Lead, Leads
from shared.webhook_payloads import (
    CallEndedReport,
    CallLatency,
    CallReport,
    LeadCaptured,
    TranscriptTurn,
)

# Lengths to which texts are cut, one after the other, until a lead fits.
CUTS = (16_384, 4_096, 1_024, 256)


class TooLong(Permanent):
    """The body is over LEAD_MAX_BYTES even with every text cut."""

    code = "too_long"


def lead_payload(claimed: Claimed) -> dict[str, Any]:
    """The webhook of a lead. The same for every attempt at the same revision."""
    lead = Lead.from_hash(claimed.content)
    return LeadCaptured(timestamp=claimed.captured_at, data=lead.webhook_data()).model_dump()


def lead_body(claimed: Claimed, limit: int) -> bytes:
    """JSON of at most `limit` bytes: long texts are cut, and `truncated` says so."""
    payload = lead_payload(claimed)
    body = encode(payload)
    for cut in CUTS:
        if len(body) <= limit:
            return body
        payload["data"] = {**_shortened(payload["data"], cut), "truncated": True}
        body = encode(payload)
    if len(body) > limit:
        raise TooLong(f"a lead of {len(body)} bytes")
    return body


class CallReports:
    """Reports of calls that ended, made of what Redis holds when they are posted."""

    def __init__(self, calls: Calls, log: CallLog, leads: Leads) -> None:
        self._calls = calls
        self._log = log
        self._leads = leads

    async def body(self, claimed: Claimed, limit: int) -> bytes:
        """JSON of at most `limit` bytes: the oldest turns go first, and `truncated` says so.

        Raises NotFound when the call was erased.
        """
        call = await self._calls.get(claimed.subject)
        entries = await self._log.read(call.id)
        made = report(call, entries, await self._lead(call))
        payload = CallEndedReport(timestamp=claimed.captured_at, data=made).model_dump()
        data, body = payload["data"], encode(payload)
        while len(body) > limit and data["transcript"]:
            data["transcript"] = data["transcript"][len(data["transcript"]) // 4 + 1 :]
            data["truncated"] = True
            body = encode(payload)
        if len(body) > limit:
            raise TooLong(f"a report of {len(body)} bytes")
        return body

    async def _lead(self, call: Call) -> Lead | None:
        try:
            return await self._leads.get(call.lead_id)
        except NotFound:
            return None


def report(call: Call, entries: list[Logged], lead: Lead | None) -> CallReport:
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
                who=turn.who,
                text=turn.text,
                language=turn.language,
                at=from_ms(turn.at_ms),
                typed=turn.typed,
                interrupted=turn.interrupted,
            )
            for turn in turns
        ],
        lead=lead.webhook_data() if lead else None,
        latency=_latency(turns),
    )


def encode(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _latency(turns: list[Turn]) -> CallLatency:
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


def _shortened(value: Any, cut: int) -> Any:
    if isinstance(value, str):
        return value[:cut]
    if isinstance(value, dict):
        return {name: _shortened(each, cut) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each, cut) for each in value]
    return value
