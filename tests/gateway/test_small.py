"""The gateway's small parts: settings, limits, health, headers, the LiveKit client."""

import asyncio
import re

import aiohttp.web
import httpx
import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from services.gateway.livekit import LiveKitAway, LiveKitRefused, LiveKitServer
from services.gateway.middleware import security_headers
from services.gateway.rate_limit import RateLimit, counted
from services.gateway.settings import GatewaySettings
from shared.errors import TooMany
from shared.profiles import default_profile
from shared.runtime.health import Health, publish_report
from tests.gateway.conftest import Gateways, gateway_settings, put_profile
from tests.gateway.rooms import Rooms
from tests.valkey import free_port


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, one: str) -> None:
    """An IPv6 host has 2^64 addresses to open calls from."""
    assert counted(address) == one


async def test_a_limit_is_exact_over_replicas_and_for_each_address(redis: Redis) -> None:
    """Two gateways at once must not let twice as many through."""
    replicas = [RateLimit(redis, kind="tokens", per_minute=10) for _ in range(2)]
    attempts = [replicas[n % 2].take("203.0.113.7") for n in range(30)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, TooMany)]
    assert len(outcomes) - len(refused) == 10
    assert all(58 <= refusal.retry_after <= 60 for refusal in refused)
    await replicas[0].take("203.0.113.8")


async def test_room_is_made_as_the_window_moves_on(redis: Redis) -> None:
    """Who waited as long as Retry-After said is let in."""
    limits = RateLimit(redis, kind="tokens", per_minute=1)
    await limits.take("203.0.113.7")
    [key] = await redis.keys("*limit*")
    [member] = await redis.zrange(key, 0, -1)
    await redis.zincrby(key, -60_001, str(member))
    await limits.take("203.0.113.7")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", ()), ("n8n", ("n8n",)), ("livekit, sarvam,llm", ("livekit", "sarvam", "llm"))],
)
def test_simulated_is_a_list(value: str, expected: tuple[str, ...]) -> None:
    assert gateway_settings("redis://h:1", simulated=value).simulated == expected


@pytest.mark.parametrize(
    "changes", [{"simulated": "telephone"}, {"gateway_api_key": "short"}, {"web_port": 70_000}]
)
def test_wrong_settings_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        gateway_settings("redis://h:1", **changes)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_what_is_loopback(address: str, loopback: bool) -> None:
    assert gateway_settings("redis://h:1", bind_address=address).on_loopback is loopback


def test_no_setting_is_called_host_or_port() -> None:
    """Coolify sets HOST and PORT to what it likes."""
    assert not {"host", "port"} & set(GatewaySettings.model_fields)


def test_livekit_cloud_may_send_the_browser_on() -> None:
    """The cloud answers with the nearest region's name: the policy has to allow it."""
    policy = security_headers("wss://demo.livekit.cloud", None)["Content-Security-Policy"]
    assert "wss://*.livekit.cloud https://*.livekit.cloud" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("origins", "path", "allowed"),
    [
        ("*", "/api/languages", "*"),
        ("*", "/api/token", "*"),
        ("*", "/api/config/default", None),
        ("*", "/api/v1/leads", None),
        ("https://mine.example, https://page.example", "/api/languages", "https://page.example"),
        ("https://mine.example", "/api/languages", None),
        ("none", "/api/languages", None),
    ],
)
async def test_pages_of_other_sites_use_the_public_routes_only(
    gateways: Gateways, origins: str, path: str, allowed: str | None
) -> None:
    """The predecessor's users call its API from pages of their own, and leads are not for pages."""
    client = await gateways(cors_origins=origins)
    headers = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    asked = await client.options(path, headers=headers)
    given = await client.get(path, headers={"Origin": "https://page.example"})
    for response in (asked, given):
        assert response.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in response.headers


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
    await redis.hset("bolchaal:profile:broken", mapping={"profile": "{not json"})
    response = await client.post("/api/token", json={"agentId": "broken"})
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "json" not in response.text.lower()


async def test_the_page_says_what_is_simulated(gateways: Gateways, redis: Redis) -> None:
    """Somebody who speaks to a simulator must not take it for the product."""
    await put_profile(redis, default_profile())
    real = (await (await gateways()).get("/")).text
    assert "simulated" not in real
    client = await gateways(simulated="sarvam,n8n", caller_url="http://127.0.0.1:3900/caller")
    page = (await client.get("/?language=ta-IN&agent=school")).text
    assert "2 of 4 outside services are simulated" in page
    assert "Let the simulated caller speak" in page
    assert re.search(r'value="ta-IN" lang="ta" selected', page)
    assert 'value="school"' in page


async def test_no_script_of_the_page_stands_in_its_html(client: httpx.AsyncClient) -> None:
    """The security policy would not run it, and the page would be dead."""
    for path in ("/", "/console"):
        response = await client.get(path)
        assert response.status_code == 200
        page = response.text
        for attributes, text in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL):
            assert not text.strip() or 'type="application/json"' in attributes
        assert not re.search(r"\son\w+=|style=", page)


class Twirp:
    """LiveKit's server API, to answer as the test likes."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""

    async def answer(self, _: aiohttp.web.Request) -> aiohttp.web.Response:
        if self.status == 200:
            return aiohttp.web.Response(body=self.body, content_type="application/protobuf")
        return aiohttp.web.json_response({"code": "x", "msg": "y"}, status=self.status)


async def test_livekits_refusals_and_absence_are_told_apart() -> None:
    """A wrong key needs a person, an absent server needs patience."""
    twirp, port = Twirp(), free_port()
    app = aiohttp.web.Application()
    app.router.add_post("/{tail:.*}", twirp.answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    async with LiveKitServer(
        url=f"ws://127.0.0.1:{port}", key="key", secret="s" * 32, agent_name="bolchaal"
    ) as server:
        await server.check()
        assert not await server.caller_present("room", "caller-1")
        assert not await server.room_exists("room")
        twirp.status = 401
        with pytest.raises(LiveKitRefused, match="LIVEKIT_API_KEY"):
            await server.check()
        twirp.status = 404
        await server.delete_room("room")
        twirp.status = 500
        with pytest.raises(LiveKitAway):
            await server.dispatch("room", "call")
        await runner.cleanup()
        with pytest.raises(LiveKitAway):
            await server.check()
