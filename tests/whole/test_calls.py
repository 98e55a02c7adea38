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


async def test_a_call_becomes_a_lead(system: System, n8n_url: str) -> None:
    """The main job, with a profile that nobody has seen before: what was said is what arrives."""
    result = await system.call("--language", "mr-IN", "--agent", "dental")
    lead = lead_of(result)
    assert result.json is not None
    received = await at_n8n(n8n_url, lead["lead_id"])
    assert received["agent_id"] == "dental"
    assert set(received["fields"]) == {"q1", "since", "visit_day"}
    assert {"name": received["name"], "phone": received["phone"], **received["fields"]} == (
        result.json["expected"]
    )
    check_turns(result.json)


@pytest.mark.full
async def test_three_callers_at_once(system: System, n8n_url: str) -> None:
    """Two agents share the calls and two leads replicas the deliveries: each lead arrives once,
    with exactly the values that were said in that call."""
    languages = ("hi-IN", "ta-IN", "en-IN")
    results = await asyncio.gather(*(system.call("--language", each) for each in languages))
    for result, language in zip(results, languages, strict=True):
        lead = lead_of(result)
        assert result.json is not None
        assert result.json["language"] == language
        assert set(result.json["expected"]) == REAL_ESTATE
        received = await at_n8n(n8n_url, lead["lead_id"])
        assert (received["language"], received["agent_id"]) == (language, "default")
        assert {"name": received["name"], "phone": received["phone"], **received["fields"]} == (
            result.json["expected"]
        )
        check_turns(result.json)


def check_turns(call: dict[str, Any]) -> None:
    """Both sides are in the transcript, and each answer of the agent has its latency."""
    answers = [turn for turn in call["turns"] if turn["who"] == "agent"][1:]
    asked = [turn for turn in call["turns"] if turn["who"] == "caller"]
    assert len(asked) == len(call["expected"])
    assert answers
    assert all(turn["latency_ms"] > 0 for turn in answers)
    assert call["greeting_ms"] > 0
