"""POST /api/token: the predecessor's contract, and what the token lets a caller do."""

from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from shared.calls import Calls
from shared.calls.log import CallLog, CallNotice
from shared.profiles import Profile, default_profile
from shared.profiles.record import ProfileRecord, write
from shared.redis import keys
from shared.redis.client import connect
from tests.gateway.conftest import SECRET, Gateways, gateway_settings, put_profile, serving
from tests.gateway.given import opened
from tests.gateway.rooms import Rooms
from tests.shared.builders import entries
from tests.valkey import Valkey


async def test_an_empty_object_opens_a_call_with_the_profiles_choices(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """Pages of the predecessor send {}: they must get a call, in the profile's language."""
    answer = await opened(client)
    assert set(answer) == {"token", "roomName", "livekitUrl", "agentId", "callId"}
    assert answer["agentId"] == "default"
    assert answer["livekitUrl"] == "ws://127.0.0.1:7880"
    call = await Calls(redis, source="test").get(answer["callId"])
    assert call.language == default_profile().language
    assert call.room == answer["roomName"]


async def test_choices_reach_the_call(client: httpx.AsyncClient, redis: Redis) -> None:
    """What is chosen on the page has to reach the agent; the predecessor lost it on the way."""
    answer = await opened(client, language="ta-IN", voice="arya", userName=" Asha ")
    call = await Calls(redis, source="test").get(answer["callId"])
    assert (call.language, call.voice, call.user_name) == ("ta-IN", "shreya", "Asha")


async def test_nulls_and_empty_strings_are_left_out_fields(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """An HTML form sends empty strings for what was not filled in."""
    answer = await opened(client, agentId="", language="", voice=None, userName=None)
    call = await Calls(redis, source="test").get(answer["callId"])
    assert call.agent_id == "default"
    assert call.user_name == ""


async def test_a_profile_without_language_takes_the_default(
    gateways: Gateways, redis: Redis
) -> None:
    """DEFAULT_LANGUAGE and DEFAULT_VOICE would otherwise do nothing."""
    await put_profile(redis, Profile(id="plain"))
    client = await gateways(default_language="gu-IN", default_voice="kabir")
    answer = await opened(client, agentId="plain")
    call = await Calls(redis, source="test").get(answer["callId"])
    assert (call.language, call.voice) == ("gu-IN", "kabir")


async def test_an_unknown_voice_becomes_the_profiles_and_the_page_is_told(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """A wrong voice must not cost the call, nor be replaced in silence."""
    answer = await opened(client, voice="nobody")
    call = await Calls(redis, source="test").get(answer["callId"])
    assert call.voice == default_profile().voice
    [logged] = await CallLog(redis).read(call.id)
    assert isinstance(logged.entry, CallNotice)
    assert logged.entry.code == "voice_replaced"


async def test_the_token_is_short_and_narrow(client: httpx.AsyncClient) -> None:
    """A token that leaks must be worth little, and the caller reads it: an opaque id is all."""
    answer = await opened(client, userName="Asha")
    claims = jwt.decode(answer["token"], SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["nbf"] == 600
    assert claims["name"] == "Asha"
    assert claims["video"] == {
        "roomJoin": True,
        "room": answer["roomName"],
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
        "canPublishSources": ["microphone"],
    }
    assert claims["roomConfig"] == {
        "agents": [{"agentName": "bolchaal", "metadata": answer["callId"]}],
        "departureTimeout": 45,
        "emptyTimeout": 120,
        "maxParticipants": 1,
    }


async def test_browsers_get_the_public_address(gateways: Gateways, redis: Redis) -> None:
    """In containers the services reach LiveKit at a name that no browser knows."""
    await put_profile(redis, default_profile())
    client = await gateways(livekit_public_url="wss://voice.example.com")
    assert (await opened(client))["livekitUrl"] == "wss://voice.example.com"
    policy = (await client.get("/")).headers["content-security-policy"]
    assert "connect-src 'self' wss://voice.example.com https://voice.example.com;" in policy


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", (422, "invalid", None)),
        (b"{", (422, "bad_json", None)),
        (b"[]", (422, "invalid", None)),
        (b'"text"', (422, "invalid", None)),
        (b"\xff\xfe", (422, "bad_json", None)),
        (b"[" * 60_000, (400, "bad_request", None)),
        (b'{"userName": "a\\u0000b"}', (422, "invalid", "userName")),
        (b'{"userName": "a\\nb"}', (422, "invalid", "userName")),
        (b'{"userName": "a\\u202eb"}', (422, "invalid", "userName")),
        (b'{"userName": "a\\u200fb"}', (422, "invalid", "userName")),
        (b'{"userName": "a\\udb40\\udc41b"}', (422, "invalid", "userName")),
        (b'{"userName": "\\ud800"}', (422, "invalid", "userName")),
        (b'{"userName": "' + b"a" * 81 + b'"}', (422, "invalid", "userName")),
        (b'{"userName": 5}', (422, "invalid", "userName")),
        (b'{"agentId": "a\\tb"}', (422, "invalid", "agentId")),
        (b'{"agentId": ["a"]}', (422, "invalid", "agentId")),
        (b'{"agentId": "../../etc"}', (404, "unknown_agent", "agentId")),
        (b'{"language": "xx-IN"}', (422, "unknown_language", "language")),
        (b'{"language": {}}', (422, "invalid", "language")),
        (b'{"voice": "a\\u0007"}', (422, "invalid", "voice")),
    ],
)
async def test_bad_input_is_refused_in_one_shape_and_leaves_nothing(
    client: httpx.AsyncClient,
    redis: Redis,
    body: bytes,
    refusal: tuple[int, str, str | None],
) -> None:
    """A client reads one shape of error; a half-opened call would ring for nobody."""
    response = await client.post(
        "/api/token", content=body, headers={"Content-Type": "application/json"}
    )
    answer = response.json()
    error = answer["error"]
    assert (response.status_code, error["code"], error.get("field")) == refusal
    assert answer["detail"] == error["message"]
    assert await entries(redis, keys.CALLS) == []


async def test_joiners_in_a_name_are_fine(client: httpx.AsyncClient, redis: Redis) -> None:
    """Some Indian names cannot be written without them."""
    name = "क्\u200dष"
    answer = await opened(client, userName=name)
    call = await Calls(redis, source="test").get(answer["callId"])
    assert call.user_name == name


@pytest.mark.parametrize("announced", [True, False])
async def test_ten_megabytes_are_refused(client: httpx.AsyncClient, announced: bool) -> None:
    """A body that is too large must not fill the server's memory, however it is sent."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1_048_576

    content = b"x" * 10_485_760 if announced else pieces()
    response = await client.post("/api/token", content=content)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"


async def test_an_agent_that_n8n_does_not_know_is_404(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """Callers must never get somebody else's profile."""
    await write(redis, "ghost", ProfileRecord(unknown_until_ms=2**52))
    response = await client.post("/api/token", json={"agentId": "ghost"})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_agent"


async def test_nothing_cached_and_nobody_to_ask_is_503(client: httpx.AsyncClient) -> None:
    """N8N being away is told as such, with the time to come back."""
    response = await client.post("/api/token", json={"agentId": "elsewhere"})
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "profile_unavailable"
    assert int(response.headers["Retry-After"]) > 0


async def test_sixty_calls_a_minute_and_no_more(gateways: Gateways, redis: Redis) -> None:
    """Somebody who opens calls in a loop must not take the agents from everybody else."""
    await put_profile(redis, default_profile())
    client, other = await gateways(tokens_per_minute=3), await gateways(tokens_per_minute=3)
    for one in (client, other, client):
        await opened(one)
    response = await other.post("/api/token", json={})
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(response.headers["Retry-After"]) <= 60


async def test_redis_away_is_503_and_comes_back(own_valkey: Valkey, rooms: Rooms) -> None:
    """While Redis restarts a page shows why, and works again by itself."""
    redis = connect(own_valkey.url)
    await put_profile(redis, default_profile())
    async with (
        serving(gateway_settings(own_valkey.url), rooms) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        await opened(client)
        own_valkey.kill()
        response = await client.post("/api/token", json={})
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "unavailable"
        assert "Retry-After" in response.headers
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        own_valkey.start()
        await opened(client)
    await redis.aclose()
