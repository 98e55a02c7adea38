"""The bodies that N8N is posted, byte for byte as they have always been (golden/)."""

import json
from pathlib import Path

from redis.asyncio import Redis

from services.leads.delivery.model import ClaimedAttempt
from services.leads.destinations.base import encode
from services.leads.destinations.call_ended import report
from services.leads.destinations.lead_capture import LeadCapture
from shared.calls import Call
from shared.calls.log import CallEnd, Latency, Logged, Turn
from shared.leads import Lead
from shared.profiles import default_profile
from shared.webhook_payloads import CallEndedReport

GOLDEN = Path(__file__).parent / "golden"
CAPTURED_AT = "2025-11-22T10:15:30.123Z"
LEAD = {
    "context": json.dumps(
        {
            "lead_id": "L",
            "call_id": "C",
            "room": "call-R",
            "channel": "web",
            "caller": None,
            "account": "default",
            "agent_id": "default",
            "profile_version": "0123456789ab",
            "language": "ta-IN",
            "required": ["name", "phone"],
        }
    ),
    "revision": "3",
    "complete": "1",
    "captured_ms": "1763806530123",
    "v:name": '"ஆஷா"',
    "v:phone": '"+919876543210"',
    "v:budget": "7500000",
    "v:wants": "[]",
    "v:parking": "true",
    "x:note": json.dumps('call "after" six'),
    "src:name": "caller",
    "src:phone": "typed",
    "src:budget": "caller",
    "o:name": "1.1",
}
CALL = Call(
    id="C",
    lead_id="L",
    room="call-R",
    agent_id="default",
    language="ta-IN",
    voice="priya",
    profile=default_profile(),
    profile_version="0123456789ab",
    state="ended",
    created_ms=1763806500000,
    started_ms=1763806501000,
    ended_ms=1763806561000,
    how="caller_hung_up",
    outcome="lead_complete",
)
LOG = [
    Turn(who="agent", text="வணக்கம்", at_ms=1763806502000, latency=Latency(e2e_ms=700)),
    Turn(
        who="caller",
        text="Asha",
        language="en-IN",
        typed=True,
        interrupted=True,
        at_ms=1763806503000,
    ),
    CallEnd(how="caller_hung_up", outcome="lead_complete", duration_ms=60000),
]


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().removesuffix(b"\n")


def claimed(**changes: str) -> ClaimedAttempt:
    return ClaimedAttempt("L", 3, 1, 1, "C", CAPTURED_AT, {**LEAD, **changes})


def call_ended(call: Call, log: list[Logged], lead: Lead | None) -> bytes:
    made = report(call, log, lead)
    return encode(CallEndedReport(timestamp="2025-11-22T10:16:01.000Z", data=made))


async def test_a_lead_is_posted_as_ever(redis: Redis) -> None:
    """Workflows that people have built on these names would find nothing under them."""
    assert await LeadCapture(redis).body(claimed(), 1_000_000) == golden("lead.captured")


async def test_a_lead_that_was_cut_says_so_at_its_end(redis: Redis) -> None:
    long = claimed(**{"x:note": json.dumps("x" * 17_000)})
    body = await LeadCapture(redis).body(long, 17_000)
    assert body.endswith(b',"captured_at":"2025-11-22T10:15:30.123Z","truncated":true}}')


def test_a_report_is_posted_as_ever() -> None:
    """The same for what people have built on the end of a call."""
    log = [Logged(id=f"{n}-0", entry=entry) for n, entry in enumerate(LOG, start=1)]
    assert call_ended(CALL, log, Lead.from_hash(LEAD)) == golden("call.ended")


def test_a_report_of_a_call_without_agent_lead_or_end_is_posted_as_ever() -> None:
    bare = CALL.model_copy(update={"ended_ms": None, "started_ms": None})
    assert call_ended(bare, [], None) == golden("call.ended-without-an-end")
