"""Who may read what: operators with the key, and the browser that opened a call."""

import httpx
import pytest
from redis.asyncio import Redis

from services.gateway.auth import COOKIE
from shared.profiles import default_profile
from tests.gateway.conftest import Gateways, put_profile
from tests.gateway.given import NOBODYS, OPERATOR, opened


async def test_only_the_browser_that_opened_the_call_reads_it(
    client: httpx.AsyncClient, gateways: Gateways
) -> None:
    """Call ids are in logs and metadata: knowing one must not show somebody's phone number."""
    call_id = (await opened(client))["callId"]
    stranger = await gateways()
    own_call = (await opened(stranger))["callId"]
    for path in (f"/api/calls/{call_id}/events", f"/api/calls/{call_id}"):
        response = await stranger.get(path)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "unauthorized"
    cookie = next(cookie for cookie in stranger.cookies.jar if own_call in cookie.path)
    forged = await stranger.get(
        f"/api/calls/{call_id}", headers={"Cookie": f"{COOKIE}={cookie.value}"}
    )
    assert forged.status_code == 401


async def test_the_cookie_is_the_browsers_alone(client: httpx.AsyncClient) -> None:
    """A script on the page, or another site, must not get at it."""
    response = await client.post("/api/token", json={})
    call_id = response.json()["callId"]
    cookie = response.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", f"Path=/api/calls/{call_id}"):
        assert part in cookie


async def test_any_replica_knows_the_cookie(client: httpx.AsyncClient, gateways: Gateways) -> None:
    """Behind a load balancer the next request meets another gateway."""
    call_id = (await opened(client))["callId"]
    other = await gateways()
    other.cookies = client.cookies
    assert (await other.get(f"/api/calls/{call_id}")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/calls",
        f"/api/v1/calls/{NOBODYS}",
        f"/api/v1/calls/{NOBODYS}/events",
        "/api/v1/leads",
        "/api/config/default",
    ],
)
async def test_private_routes_need_the_key(gateways: Gateways, redis: Redis, path: str) -> None:
    """Leads are people's phone numbers."""
    await put_profile(redis, default_profile())
    client = await gateways(gateway_api_key="a-key-for-operators")
    for headers in ({}, {"Authorization": "Bearer wrong-key"}, {"Authorization": "Basic x"}):
        response = await client.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert (await client.get(path, headers=OPERATOR)).status_code in (200, 404)


@pytest.mark.parametrize(
    ("bind_address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.0.0.1", {"Host": "localhost:3000"}, 200),
        ("0.0.0.0", {}, 401),
        ("127.0.0.1", {"Host": "bolchaal.example.com"}, 401),
        ("127.0.0.1", {"Origin": "https://evil.example.com"}, 401),
    ],
)
async def test_without_a_key_only_this_machine_is_answered(
    gateways: Gateways, bind_address: str, headers: dict[str, str], status: int
) -> None:
    """A forgotten key must not put leads on the internet, not through a proxy or a page either."""
    client = await gateways(bind_address=bind_address)
    assert (await client.get("/api/v1/calls", headers=headers)).status_code == status
