"""The gateway as a process: what it refuses to start with, and how it stops."""

import asyncio
import signal
import socket
from pathlib import Path

import httpx
from redis.asyncio import Redis

from shared.calls import Calls
from shared.redis.client import connect
from tests.gateway.conftest import KEY, SECRET
from tests.gateway.sse import listening
from tests.service import python, run_python
from tests.shared.builders import new_call
from tests.valkey import Valkey, free_port
from tests.waiting import until

GATEWAY = ("-m", "services.gateway")


def environment(redis_url: str, **changes: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}",
        "LIVEKIT_API_KEY": KEY,
        "LIVEKIT_API_SECRET": SECRET,
        "WEB_PORT": str(free_port()),
        **changes,
    }


async def refusal(folder: Path, variables: dict[str, str]) -> str:
    """What a gateway says that ends with 2."""
    code, _, said = await run_python(folder, *GATEWAY, **variables)
    assert code == 2, said
    return said


async def alive(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_wrong_settings_are_a_line_each_and_exit_2(tmp_path: Path, redis_url: str) -> None:
    """An operator needs the variable's name, not a traceback, and nobody the secret."""
    wrong = {"LIVEKIT_API_SECRET": "", "WEB_PORT": "seventy", "GATEWAY_API_KEY": "s3cret"}
    said = await refusal(tmp_path, environment(redis_url, **wrong))
    assert sorted(line.partition(",")[0] for line in said.splitlines()) == [
        "GATEWAY_API_KEY: found a value that is not shown",
        "LIVEKIT_API_SECRET: not set",
        "WEB_PORT: found 'seventy'",
    ]
    assert "s3cret" not in said


async def test_a_taken_port_is_named_with_its_variable(tmp_path: Path, redis_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = await refusal(tmp_path, environment(redis_url, WEB_PORT=port))
    assert f"WEB_PORT: port {port} is taken" in said


async def test_sigterm_ends_it_at_once_with_a_page_still_following(
    tmp_path: Path, redis: Redis, redis_url: str
) -> None:
    """A deployment that waits for open pages would wait for ever."""
    variables = environment(redis_url)
    url = f"http://127.0.0.1:{variables['WEB_PORT']}"
    async with (
        python(tmp_path, *GATEWAY, **variables) as started,
        httpx.AsyncClient(base_url=url) as client,
    ):
        await until(lambda: alive(client), timeout=20)
        new = new_call()
        await Calls(redis, source="test").open(new)
        async with listening(client, f"/api/v1/calls/{new.id}/events"):
            started.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                assert await started.wait() == 0


async def test_it_is_up_before_redis_is(tmp_path: Path, own_valkey: Valkey) -> None:
    """A page that is opened while Redis starts says what is wrong, instead of not being there."""
    own_valkey.kill()
    variables = environment(own_valkey.url)
    url = f"http://127.0.0.1:{variables['WEB_PORT']}"
    async with (
        python(tmp_path, *GATEWAY, **variables) as started,
        httpx.AsyncClient(base_url=url, timeout=10) as client,
    ):
        await until(lambda: alive(client), timeout=20)
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["reasons"]["redis"] == "Redis does not answer: no call can be opened"
        own_valkey.start()

        async def works() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(works, timeout=20)
        started.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await started.wait() == 0


async def test_a_redis_that_refuses_us_ends_it(tmp_path: Path, own_valkey: Valkey) -> None:
    """An operator would otherwise search for the reason why nothing works."""
    redis = connect(own_valkey.url)
    await redis.config_set("requirepass", "secret")
    said = await refusal(tmp_path, environment(own_valkey.url))
    assert said.count("REDIS_URL: Redis refuses the user or password") == 1
    await redis.aclose()
