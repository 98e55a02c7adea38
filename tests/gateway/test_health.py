"""/health, /readyz and /metrics."""

import asyncio
import re

import httpx
import pytest
from redis.asyncio import Redis

from services.gateway.readiness import readiness
from shared.redis import keys
from shared.redis.client import connect
from shared.runtime.health import Health, publish_report
from tests.gateway.conftest import Gateways
from tests.gateway.rooms import Rooms
from tests.valkey import Valkey


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


async def test_a_missing_report_says_nothing_while_redis_refuses_writes(own_valkey: Valkey) -> None:
    """Nobody can report then: "no agent is running" would send an operator the wrong way."""
    redis = connect(own_valkey.url)
    health = Health("gateway", "test")
    await redis.config_set("maxmemory", 1)
    await publish_report(health, redis)
    answer = await readiness(redis, health)
    assert answer.status == "degraded"
    assert answer.reasons == {"redis": "Redis is full (maxmemory): nothing can be saved"}
    await redis.config_set("maxmemory", 0)
    await publish_report(health, redis)
    assert "agent" in (await readiness(redis, health)).reasons
    await redis.aclose()


async def test_a_redis_that_is_silent_is_named_in_time(
    own_valkey: Valkey, gateways: Gateways
) -> None:
    """Whoever asks why no call can be made would wait for half a minute, or give up."""
    client = await gateways(redis_url=own_valkey.url)
    assert (await client.get("/readyz")).status_code == 200
    own_valkey.pause()
    try:
        async with asyncio.timeout(4.5):
            answer = await client.get("/readyz", timeout=10)
    finally:
        own_valkey.resume()
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert "does not answer" in answer.json()["reasons"]["redis"]


@pytest.mark.parametrize("fault", ["another kind of key", "no permission"])
async def test_reports_that_cannot_be_read_are_a_reason(
    own_valkey: Valkey, gateways: Gateways, fault: str
) -> None:
    """The page would take every problem away, as if all were well."""
    client = await gateways(redis_url=own_valkey.url)
    redis = connect(own_valkey.url)
    if fault == "no permission":
        await redis.execute_command("ACL", "SETUSER", "default", "-hgetall")  # type: ignore[no-untyped-call]
    else:
        await redis.delete(keys.HEALTH)
        await redis.set(keys.HEALTH, "x")
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "reports" in answer.json()["reasons"]["reports"]
    assert answer.json()["services"] == {}
    await redis.aclose()
