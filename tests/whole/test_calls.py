"""Whole calls over real WebRTC: from a caller's voice to a lead that N8N has acknowledged."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.whole.system import CallResult, System

pytestmark = pytest.mark.call

REAL_ESTATE = {
    *("name", "phone", "budget", "location", "property_type", "timeline", "visit_time"),
}


def lead_of(result: CallResult) -> dict[str, Any]:
    assert result.code == 0, result.output
    assert result.json is not None
    lead: dict[str, Any] = result.json["lead"]
    assert result.json["delivery"]["state"] == "acknowledged"
    return lead


async def at_n8n(n8n_url: str, lead_id: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        leads = (await http.get(f"{n8n_url}/sandbox/leads")).json()["leads"]
    lead: dict[str, Any] = leads[lead_id]
    return lead


async def test_four_callers_at_once(system: System, n8n_url: str) -> None:
    """The main job, in Hindi, Tamil and English, and with a profile that nobody has seen before.

    Two agents share the calls and two leads replicas the deliveries: each lead arrives once, with
    exactly the values that were said in that call.
    """
    hindi, tamil, english, marathi = await asyncio.gather(
        system.call("--language", "hi-IN"),
        system.call("--language", "ta-IN"),
        system.call("--language", "en-IN"),
        system.call("--language", "mr-IN", "--agent", "dental"),
    )
    for result, language in ((hindi, "hi-IN"), (tamil, "ta-IN"), (english, "en-IN")):
        lead = lead_of(result)
        assert result.json is not None
        assert result.json["language"] == lead["language"] == language
        assert set(result.json["expected"]) == REAL_ESTATE
    lead = lead_of(marathi)
    assert lead["agent_id"] == "dental"
    assert set(lead["fields"]) == {"q1", "since", "visit_day"}
    assert marathi.json is not None
    said = {"name": lead["name"], "phone": lead["phone"], **lead["fields"]}
    assert said == marathi.json["expected"]
    received = await at_n8n(n8n_url, lead["lead_id"])
    assert (received["phone"], received["fields"]) == (lead["phone"], lead["fields"])


async def test_each_side_is_in_the_transcript_with_latencies(system: System) -> None:
    result = await system.call("--language", "en-IN")
    assert result.json is not None, result.output
    turns = result.json["turns"]
    assert {turn["who"] for turn in turns} == {"agent", "caller"}
    assert result.json["greeting_ms"] > 0
    assert [turn["latency_ms"] for turn in turns if turn.get("latency_ms")]
