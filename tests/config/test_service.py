"""The config service as a process."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from shared.bus import Bus
from shared.profiles import ProfileReader
from tests.service import python, run_python
from tests.valkey import free_port
from tests.waiting import until

CONFIG = ("-m", "services.config")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "REDIS_URL: not set"),
        ({"N8N_BASE_URL": "n8n.example.com"}, "N8N_BASE_URL: found 'n8n.example.com', expected"),
        ({"CONFIG_TTL": "soon"}, "CONFIG_TTL: found 'soon', expected"),
        ({"CONFIG_TIMEOUT": "0"}, "CONFIG_TIMEOUT: found '0', expected"),
    ],
)
async def test_a_wrong_setting_is_one_line(
    settings: dict[str, str], line: str, tmp_path: Path
) -> None:
    """The operator would get a traceback, or a service that half works."""
    base = {"REDIS_URL": "redis://127.0.0.1:1/0"} if settings else {}
    code, _, errors = await run_python(tmp_path, *CONFIG, **base, **settings)
    assert code == 2
    [said] = errors.splitlines()
    assert said.startswith(line)


@pytest.fixture
async def health_url(redis_url: str, server: TestServer, tmp_path: Path) -> AsyncIterator[str]:
    port = free_port()
    settings = {
        "REDIS_URL": redis_url,
        "HEALTH_PORT": str(port),
        "N8N_BASE_URL": str(server.make_url("")),
        "N8N_AUTH_HEADER": "",
    }
    async with python(tmp_path, *CONFIG, **settings) as process:
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        await process.communicate()
        assert process.returncode == 0


async def test_it_serves_profiles_and_says_that_n8n_is_down(
    health_url: str, redis: Redis, server: TestServer
) -> None:
    """Nobody would learn why agents are old, or could tell a sick replica from a well one."""
    bus = Bus(redis, source="test")
    async with (
        httpx.AsyncClient(base_url=health_url) as http,
        ProfileReader(redis, bus.publish, timeout=10) as reader,
    ):
        assert (await reader.get("clinic")).profile.name == "Clinic"
        assert (await http.get("/readyz")).json()["status"] != "unavailable"
        await server.close()
        async with ProfileReader(redis, bus.publish, timeout=0.5) as impatient:
            await impatient.invalidate("clinic")  # which config goes on with as long as one waits
            assert (await impatient.get("clinic")).profile.name == "Clinic"

        async def degraded() -> bool:
            answer = await http.get("/readyz")
            return answer.status_code == 200 and "n8n" in answer.json()["reasons"]

        await until(degraded)
        assert (
            'bolchaal_profile_fetches_total{outcome="failed"}' in (await http.get("/metrics")).text
        )
