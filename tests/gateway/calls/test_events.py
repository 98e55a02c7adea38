"""A call's events for the browser that opened it, and the private routes for operators."""

import asyncio

import httpx
import pytest
from redis.asyncio import Redis

from shared.calls import Calls
from shared.calls.log import CallLog
from shared.profiles import default_profile
from tests.gateway.conftest import gateway_settings, put_profile, serving
from tests.gateway.given import opened, turn
from tests.gateway.rooms import Rooms
from tests.gateway.sse import listening, take
from tests.shared.builders import new_call


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
