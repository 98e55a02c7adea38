"""A call's events for the browser that opened it, and the private routes for operators."""

import asyncio

import httpx
import pytest
from redis.asyncio import Redis

from services.gateway.auth import COOKIE
from shared.calls import Calls
from shared.calls.log import CallLog, Turn
from shared.profiles import default_profile
from tests.gateway.conftest import Gateways, gateway_settings, put_profile, serving
from tests.gateway.rooms import Rooms
from tests.gateway.sse import listening, take
from tests.gateway.test_tokens import opened
from tests.shared.builders import new_call

OPERATOR = {"Authorization": "Bearer a-key-for-operators"}
NOBODYS = "0199b3a0-0000-7000-8000-000000000000"


def turn(text: str) -> Turn:
    return Turn(who="agent", text=text, language="hi-IN")


async def test_events_come_from_the_start_and_then_live(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """The page opens the stream late or early: it has to show the same conversation."""
    call_id = (await opened(client))["callId"]
    log = CallLog(redis)
    first = await log.append(call_id, turn("नमस्ते"))
    async with listening(client, f"/api/calls/{call_id}/events") as events:
        [greeting] = await take(events, 1)
        assert (greeting.id, greeting.type, greeting.data["text"]) == (first, "turn", "नमस्ते")
        await log.append(call_id, turn("कहिए"))
        [next_turn] = await take(events, 1)
        assert next_turn.data["text"] == "कहिए"


async def test_a_browser_that_comes_back_misses_nothing_and_sees_nothing_twice(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """Networks drop: the transcript must not."""
    call_id = (await opened(client))["callId"]
    log = CallLog(redis)
    path = f"/api/calls/{call_id}/events"
    await log.append(call_id, turn("one"))
    async with listening(client, path) as events:
        [seen] = await take(events, 1)
    await log.append(call_id, turn("two"))
    async with listening(client, path, **{"Last-Event-ID": seen.id}) as events:
        await log.append(call_id, turn("three"))
        assert [event.data["text"] for event in await take(events, 2)] == ["two", "three"]


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


async def test_the_api_key_reads_every_call(gateways: Gateways, redis: Redis) -> None:
    await put_profile(redis, default_profile())
    client = await gateways(gateway_api_key="a-key-for-operators")
    call_id = (await opened(client))["callId"]
    client.cookies.clear()
    assert (await client.get(f"/api/calls/{call_id}", headers=OPERATOR)).status_code == 200
    assert (await client.get(f"/api/calls/{call_id}")).status_code == 401


async def test_any_replica_knows_the_cookie(client: httpx.AsyncClient, gateways: Gateways) -> None:
    """Behind a load balancer the next request meets another gateway."""
    call_id = (await opened(client))["callId"]
    other = await gateways()
    other.cookies = client.cookies
    assert (await other.get(f"/api/calls/{call_id}")).status_code == 200


async def test_details_say_what_will_be_asked(client: httpx.AsyncClient) -> None:
    """The lead card shows the open questions, in the language of the call, contact included."""
    call_id = (await opened(client, language="ta-IN"))["callId"]
    details = (await client.get(f"/api/calls/{call_id}")).json()
    assert details["language"] == "ta-IN"
    keys = [question["key"] for question in details["questions"]]
    assert {"name", "phone", "budget"} <= set(keys)
    assert len(keys) == len(set(keys))
    budget = next(each for each in details["questions"] if each["key"] == "budget")
    assert any("\u0b80" <= letter <= "\u0bff" for letter in budget["question"])


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


async def test_operators_see_calls_newest_first_and_one_with_its_log(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """The console's list, and one call as it went."""
    first, second = (await opened(client))["callId"], (await opened(client))["callId"]
    await CallLog(redis).append(first, turn("नमस्ते"))
    listed = (await client.get("/api/v1/calls")).json()["calls"]
    assert [call["call_id"] for call in listed] == [second, first]
    assert (await client.get("/api/v1/calls?limit=1")).json()["calls"] == listed[:1]
    one = (await client.get(f"/api/v1/calls/{first}")).json()
    assert one["call"]["state"] == "requested"
    assert [entry["text"] for entry in one["log"]] == ["नमस्ते"]


async def test_the_console_follows_a_call(client: httpx.AsyncClient, redis: Redis) -> None:
    calls = Calls(redis, source="test")
    new = new_call()
    await calls.open(new)
    await CallLog(redis).append(new.id, turn("नमस्ते"))
    async with listening(client, f"/api/v1/calls/{new.id}/events") as events:
        assert [event.type for event in await take(events, 1)] == ["turn"]
        await calls.end(await calls.get(new.id), "caller_hung_up")
        [ended] = await take(events, 1)
        assert ended.data["how"] == "caller_hung_up"


@pytest.mark.parametrize("call_id", [NOBODYS, "no-uuid"])
async def test_an_unknown_call_is_404(client: httpx.AsyncClient, call_id: str) -> None:
    for path in (f"/api/v1/calls/{call_id}", f"/api/v1/calls/{call_id}/events"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "unknown_call"


@pytest.mark.parametrize("last", ["yesterday", "99999999999999999999-0", "1-99999999999999999999"])
async def test_a_nonsense_event_id_is_refused(client: httpx.AsyncClient, last: str) -> None:
    """A number beyond Redis's 64 bits would break the stream after its 200, with a traceback."""
    call_id = (await opened(client))["callId"]
    response = await client.get(f"/api/calls/{call_id}/events", headers={"Last-Event-ID": last})
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "last-event-id"


async def test_streams_let_a_stopping_server_go(redis: Redis, redis_url: str, rooms: Rooms) -> None:
    """An open page must not hold up a deployment."""
    await put_profile(redis, default_profile())
    async with asyncio.timeout(3), httpx.AsyncClient() as client:
        async with serving(gateway_settings(redis_url), rooms) as url:
            client.base_url = httpx.URL(url)
            call_id = (await opened(client))["callId"]
            stream = client.stream("GET", f"/api/calls/{call_id}/events")
            response = await stream.__aenter__()
        async for _ in response.aiter_lines():
            pass
        await stream.__aexit__(None, None, None)
