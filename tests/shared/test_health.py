"""Health over HTTP and in Redis."""

import httpx
from redis.asyncio import Redis

from shared.redis import keys
from shared.redis.client import now_ms
from shared.runtime.health import Health, Report, publish_report, read_reports, withdraw_report
from shared.runtime.health_server import serving


async def test_readyz_tells_broken_from_degraded() -> None:
    """An orchestrator restarts what is broken; it must leave alone what is only degraded."""
    health = Health("leads", "a-1")
    async with serving(health, "127.0.0.1", 0) as port, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{port}"
        assert (await http.get(f"{url}/readyz")).json() == {"status": "ok", "reasons": {}}
        health.set_degraded("n8n", "N8N does not answer")
        answer = await http.get(f"{url}/readyz")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert answer.json()["reasons"] == {"n8n": "N8N does not answer"}
        health.set_failing("redis", "Redis is away")
        assert (await http.get(f"{url}/readyz")).status_code == 503
        assert (await http.get(f"{url}/healthz")).status_code == 200
        health.set_ok("redis")
        health.set_ok("n8n")
        assert (await http.get(f"{url}/readyz")).json()["status"] == "ok"
        assert "python_info" in (await http.get(f"{url}/metrics")).text


async def test_replicas_report_in_redis_and_dead_ones_are_swept(redis: Redis) -> None:
    """The page names a refused key although another process met it."""
    health = Health("agent", "host-7")
    health.set_degraded("sarvam", "Sarvam refuses the key")
    old = Report(service="agent", replica="host-1", status="ok", reasons={}, at_ms=1)
    await redis.hset(keys.HEALTH, "agent/host-1", old.model_dump_json())
    await publish_report(health, redis)
    reports = await read_reports(redis)
    assert [(r.replica, r.status) for r in reports] == [("host-7", "degraded")]
    assert reports[0].reasons == {"sarvam": "Sarvam refuses the key"}
    assert reports[0].at_ms <= await now_ms(redis)
    await withdraw_report(health, redis)
    assert await read_reports(redis) == []  # a stopped replica takes its report with it
