"""The real leads service with a real n8n: from the merge script to the row and back."""

import json
from typing import Any

import httpx
from redis.asyncio import Redis

from shared.calls import Calls
from shared.calls.log import CallLog, Turn
from shared.leads import LeadChange, Leads
from shared.redis import keys
from tests.n8n.real import RealN8n
from tests.service import Service
from tests.shared.builders import entries, lead_context, new_call
from tests.waiting import until

VALUES = {
    "name": "अनिल",
    "phone": "+919876543210",
    "budget": "५० लाख",
    "location": "पुणे",
    "property_type": "फ्लैट",
    "timeline": "दो महीने",
    "visit_time": "शनिवार",
}


def _changes(values: dict[str, str], sequence: int = 1) -> list[LeadChange]:
    return [
        LeadChange(field=field, value=value, attempt=1, sequence=sequence + number)
        for number, (field, value) in enumerate(values.items())
    ]


async def _acknowledged(redis: Redis, call_id: str, revision: int) -> bool:
    """Whether the call's log says that this revision of its lead was acknowledged."""
    for entry in await entries(redis, keys.call_log(call_id)):
        if entry["type"] == "delivery":
            data: dict[str, Any] = json.loads(entry["data"])
            if data["revision"] == revision and data["state"] == "acknowledged":
                return True
    return False


async def _row(client: httpx.AsyncClient, lead_id: str) -> dict[str, Any]:
    rows = (await client.get("/webhook/test-leads")).json()
    (row,) = (each for each in rows if each.get("lead_id") == lead_id)
    found: dict[str, Any] = row
    return found


async def test_a_lead_reaches_the_table_and_is_acknowledged(
    redis: Redis, leads: Service, client: httpx.AsyncClient
) -> None:
    """The promise of the whole system, against the program that people run."""
    call = new_call()
    store = Leads(redis, source="test")
    merged = await store.apply(lead_context(call), _changes(VALUES))
    assert merged.complete
    await until(lambda: _acknowledged(redis, call.id, merged.revision), timeout=20)
    row = await _row(client, call.lead_id)
    assert (row["name"], row["revision"]) == ("अनिल", merged.revision)

    again = await store.apply(lead_context(call), _changes({"budget": "८० लाख"}, sequence=50))
    await until(lambda: _acknowledged(redis, call.id, again.revision), timeout=20)
    row = await _row(client, call.lead_id)
    assert (row["revision"], "८० लाख" in row["fields"]) == (again.revision, True)


async def test_the_report_of_a_call_reaches_the_table(
    redis: Redis, leads: Service, client: httpx.AsyncClient
) -> None:
    """What was said in a call is in N8N a moment after it ended."""
    calls, log, new = Calls(redis, source="test"), CallLog(redis), new_call()
    await calls.open(new)
    await log.append(new.id, Turn(who="caller", text="दो कमरे चाहिए", language="hi-IN"))
    await calls.end(await calls.get(new.id), "caller_hung_up")

    async def row() -> dict[str, Any] | None:
        rows = (await client.get("/webhook/test-calls")).json()
        return next((each for each in rows if each.get("call_id") == new.id), None)

    written = await until(row, timeout=20)
    assert written is not None
    assert (written["how"], written["transcript"]) == ("caller_hung_up", "caller: दो कमरे चाहिए")


async def test_a_restart_of_n8n_loses_nothing(
    redis: Redis, leads: Service, n8n: RealN8n, client: httpx.AsyncClient
) -> None:
    """n8n answers 500, then nothing, then 404 while it restarts: none of it is an answer."""
    n8n.stop()
    call = new_call()
    merged = await Leads(redis, source="test").apply(lead_context(call), _changes(VALUES))
    n8n.start()
    await until(lambda: _acknowledged(redis, call.id, merged.revision), timeout=120)
    assert (await _row(client, call.lead_id))["revision"] == merged.revision
