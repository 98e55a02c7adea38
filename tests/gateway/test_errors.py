"""Every error in one shape."""

import httpx
import pytest
from redis.asyncio import Redis

from shared.ids import uuid7
from shared.redis import keys


@pytest.mark.parametrize("path", ["/nowhere", "/static/nothing.js", "/static/../app.py", "/api"])
async def test_what_is_not_there_is_404_in_our_shape(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_a_wrong_method_is_405_in_our_shape(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/token")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


async def test_a_fault_of_ours_tells_nothing_of_our_insides(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """The predecessor answered with its tracebacks."""
    call_id = uuid7()
    await redis.hset(keys.call(call_id), mapping={"profile": "{not json"})
    response = await client.get(f"/api/v1/calls/{call_id}")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "json" not in response.text.lower()
