"""The shipped workflows in a real n8n, by plain requests."""

import asyncio
from typing import Any

import httpx

from shared.ids import uuid7
from tests.n8n.real import RealN8n


def _lead(lead_id: str, revision: int, **changes: Any) -> dict[str, Any]:
    return {
        "type": "lead.captured",
        "timestamp": "2026-11-22T10:15:30.123Z",
        "data": {
            "lead_id": lead_id,
            "revision": revision,
            "complete": True,
            "name": "अनिल",
            "phone": "+919876543210",
            "email": None,
            "language": "hi-IN",
            "agent_id": "default",
            "call_id": "c1",
            "fields": {"budget": "५० लाख"},
            "extra": {},
            "captured_at": "2026-11-22T10:14:58.004Z",
            **changes,
        },
    }


async def _post(client: httpx.AsyncClient, body: dict[str, Any]) -> tuple[int, Any]:
    answer = await client.post("/webhook/lead-capture", json=body)
    return answer.status_code, answer.json()


async def _row(client: httpx.AsyncClient, lead_id: str) -> dict[str, Any]:
    rows = (await client.get("/webhook/test-leads")).json()
    (row,) = (each for each in rows if each.get("lead_id") == lead_id)
    found: dict[str, Any] = row
    return found


async def test_a_lead_is_written_and_acknowledged(client: httpx.AsyncClient) -> None:
    """Without exactly this answer, leads would be sent for three days and end as dead letters."""
    lead_id = uuid7()
    partial = _lead(lead_id, 1, complete=False, phone=None)
    assert await _post(client, partial) == (
        200,
        {"status": "accepted", "lead_id": lead_id, "revision": 1, "duplicate": False},
    )
    row = await _row(client, lead_id)
    assert (row["name"], row["phone"], row["complete"]) == ("अनिल", None, False)


async def test_a_higher_revision_replaces_and_a_lower_one_does_not(
    client: httpx.AsyncClient,
) -> None:
    """A late retry must not put an old budget over a new one."""
    lead_id = uuid7()
    answers = [
        (await _post(client, _lead(lead_id, revision, email=f"r{revision}@example.com")))[1]
        for revision in (1, 3, 3, 2)
    ]
    assert [answer["duplicate"] for answer in answers] == [False, False, True, True]
    row = await _row(client, lead_id)
    assert (row["revision"], row["email"]) == (3, "r3@example.com")


async def test_what_is_no_lead_is_rejected(client: httpx.AsyncClient) -> None:
    """422 says "stop sending"; 500 or 200 would say something else."""
    assert await _post(client, {"type": "other"}) == (
        422,
        {"status": "rejected", "errors": ["type must be lead.captured"]},
    )


async def test_nobody_writes_without_the_header(n8n: RealN8n) -> None:
    """The webhook's address is no secret."""
    async with httpx.AsyncClient(base_url=n8n.url) as stranger:
        answers = await asyncio.gather(
            stranger.post("/webhook/lead-capture", json=_lead("x", 1)),
            stranger.post("/webhook/call-ended", json={}),
            stranger.get("/webhook/agent-config"),
        )
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_a_call_is_written_once(client: httpx.AsyncClient) -> None:
    """A call that is told twice must not be billed, mailed or counted twice."""
    call_id = uuid7()
    body = {"type": "call.ended", "timestamp": "t", "data": {"call_id": call_id}}
    answers = [(await client.post("/webhook/call-ended", json=body)).json() for _ in range(2)]
    assert answers == [
        {"status": "accepted", "call_id": call_id, "duplicate": False},
        {"status": "accepted", "call_id": call_id, "duplicate": True},
    ]


async def test_filling_the_table_twice_keeps_what_was_edited(client: httpx.AsyncClient) -> None:
    """Pressing the button again must not throw a person's prompts away."""
    await client.post("/webhook/test-fill")
    edited = {"agent_id": "clinic", "name": "Edited", "language": "hi-IN"}
    await client.post("/webhook/test-row", json=edited)
    await client.post("/webhook/test-fill")
    answer = await client.get("/webhook/agent-config", params={"agent_id": "clinic"})
    assert answer.json()["name"] == "Edited"


async def test_an_unchanged_profile_costs_no_body(client: httpx.AsyncClient) -> None:
    """config asks every minute for every profile."""
    await client.post("/webhook/test-row", json={"agent_id": "tagged", "name": "One"})
    ask = {"agent_id": "tagged"}
    first = await client.get("/webhook/agent-config", params=ask)
    tag = {"If-None-Match": first.headers["etag"]}
    again = await client.get("/webhook/agent-config", params=ask, headers=tag)
    assert (first.json(), again.status_code, again.content) == (
        {"id": "tagged", "name": "One"},
        304,
        b"",
    )
    await client.post("/webhook/test-row", json={"agent_id": "tagged", "name": "Two"})
    changed = await client.get("/webhook/agent-config", params=ask, headers=tag)
    assert (changed.status_code, changed.json()["name"]) == (200, "Two")
