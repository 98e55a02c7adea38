"""/health, /readyz and /metrics."""

import re

import httpx
from redis.asyncio import Redis

from shared.runtime.health import Health, publish_report
from tests.gateway.rooms import Rooms


async def test_health_as_the_predecessor_answered_it(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/health")).json()
    assert answer["status"] == "healthy"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["timestamp"])


async def test_readiness_names_what_is_missing_in_any_service(
    client: httpx.AsyncClient, redis: Redis, rooms: Rooms
) -> None:
    """Silence about a refused key is what people complained of most."""
    answer = (await client.get("/readyz")).json()
    assert answer["status"] == "degraded"
    assert set(answer["reasons"]) >= {"agent", "config", "leads"}
    agent = Health("agent", "one")
    agent.set_degraded("sarvam", "Sarvam refuses SARVAM_API_KEY")
    await publish_report(agent, redis)
    answer = (await client.get("/readyz")).json()
    assert answer["services"]["agent"] == 1
    assert answer["reasons"]["agent.sarvam"] == "agent: Sarvam refuses SARVAM_API_KEY"
    assert "agent" not in answer["reasons"]


async def test_metrics_are_served(client: httpx.AsyncClient) -> None:
    await client.post("/api/token", json={})
    assert "bolchaal_calls_opened_total" in (await client.get("/metrics")).text
