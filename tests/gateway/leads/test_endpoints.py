"""Leads for operators: the list, the dead ones, and sending one again."""

from typing import Any

import httpx
from redis.asyncio import Redis

from shared.calls import Calls
from shared.deliveries import LEAD_CAPTURE
from shared.leads import LeadChange, Leads
from shared.redis import keys
from tests.gateway.given import NOBODYS
from tests.shared.builders import lead_context, new_call


async def captured(redis: Redis, name: str) -> str:
    new = new_call()
    await Calls(redis, source="test").open(new)
    change = LeadChange(field="name", value=name, attempt=1, sequence=1)
    await Leads(redis, source="test").apply(lead_context(new), [change])
    return new.lead_id


async def given_up(redis: Redis, lead_id: str) -> None:
    """The lead's delivery, as the leads service leaves one that N8N never took."""
    fields: dict[Any, Any] = {"wanted": "1", "1:state": "dead", "1:tries": "9", "call_id": ""}
    await redis.hset(keys.delivery(LEAD_CAPTURE, lead_id), mapping=fields)
    await redis.zadd(keys.deliveries_dead(LEAD_CAPTURE), {f"{lead_id}.1": 1})
    await redis.zadd(keys.deliveries_index(LEAD_CAPTURE), {lead_id: 1})


async def test_leads_come_newest_first_with_their_delivery(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """The console's list: whom to call back, and whether N8N knows."""
    first, second = await captured(redis, "Asha"), await captured(redis, "Meena")
    await given_up(redis, first)
    listed = (await client.get("/api/v1/leads")).json()["leads"]
    assert [lead["lead_id"] for lead in listed] == [second, first]
    assert [lead["name"] for lead in listed] == ["Meena", "Asha"]
    assert listed[0]["delivery"] is None
    assert listed[1]["delivery"]["state"] == "dead"
    one = (await client.get(f"/api/v1/leads/{first}")).json()
    assert one["name"] == "Asha"


async def test_a_dead_lead_is_found_and_sent_again(client: httpx.AsyncClient, redis: Redis) -> None:
    """A dead letter that nobody can act on is a lost lead."""
    lead_id = await captured(redis, "Asha")
    await captured(redis, "Meena")
    await given_up(redis, lead_id)
    dead = (await client.get("/api/v1/leads?state=dead")).json()["leads"]
    assert [lead["lead_id"] for lead in dead] == [lead_id]
    response = await client.post(f"/api/v1/leads/{lead_id}/replay")
    assert response.json() == {"lead_id": lead_id, "replayed": True}
    assert (await client.get("/api/v1/leads?state=dead")).json()["leads"] == []
    assert await redis.zscore(keys.deliveries_due(LEAD_CAPTURE), f"{lead_id}.1") is not None
    again = await client.post(f"/api/v1/leads/{lead_id}/replay")
    assert again.json()["replayed"] is False


async def test_unknown_leads_and_states_are_refused(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    for lead_id in (NOBODYS, "no-uuid", await captured(redis, "Asha")):
        response = await client.post(f"/api/v1/leads/{lead_id}/replay")
        assert response.status_code == 404
    response = await client.get("/api/v1/leads?state=sleeping")
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "state"
