"""LiveKit's webhooks: believed only when signed, and only once."""

import base64
import hashlib
import json
from typing import Any

import httpx
import jwt
import pytest
from redis.asyncio import Redis

from shared.calls import Call, Calls
from shared.redis import keys
from tests.gateway.conftest import KEY, SECRET
from tests.gateway.rooms import Rooms
from tests.shared.builders import new_call

PATH = "/api/webhooks/livekit"


def signed(body: str, *, secret: str = SECRET, **claims: Any) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    token = jwt.encode(
        {"iss": KEY, "exp": 2**32, "sha256": digest, **claims}, secret, algorithm="HS256"
    )
    return {"Authorization": token, "Content-Type": "application/webhook+json"}


def event(name: str, room: str, *, id_: str = "EV_1", **fields: Any) -> str:
    return json.dumps({"event": name, "id": id_, "room": {"name": room}, **fields})


async def open_call(redis: Redis, **settings: str) -> Call:
    calls = Calls(redis, source="test")
    new = new_call(**settings)
    await calls.open(new)
    return await calls.get(new.id)


async def test_a_caller_who_joins_is_noted(client: httpx.AsyncClient, redis: Redis) -> None:
    """From then on they wait, and the watchdog's clock runs."""
    call = await open_call(redis, caller_identity="caller-1")
    body = event("participant_joined", call.room, participant={"identity": "caller-1"})
    response = await client.post(PATH, content=body, headers=signed(body))
    assert response.json() == {"status": "ok"}
    assert (await Calls(redis, source="test").get(call.id)).joined_ms is not None


@pytest.mark.parametrize("kind", ["AGENT", "EGRESS", "INGRESS", "STANDARD", "SIP"])
async def test_nobody_but_the_caller_is_the_caller(
    client: httpx.AsyncClient, redis: Redis, rooms: Rooms, kind: str
) -> None:
    """A recorder or a supervisor who joins must not start the caller's clock, nor end a room."""
    call = await open_call(redis, caller_identity="caller-1")
    body = event("participant_joined", call.room, participant={"identity": "other", "kind": kind})
    await client.post(PATH, content=body, headers=signed(body))
    assert (await Calls(redis, source="test").get(call.id)).joined_ms is None
    await Calls(redis, source="test").end(call, "caller_hung_up")
    body = event("participant_joined", call.room, id_="EV_2", participant={"identity": "other"})
    await client.post(PATH, content=body, headers=signed(body))
    assert rooms.deleted == []


@pytest.mark.parametrize(
    ("kind", "counts"), [("STANDARD", True), ("SIP", True), ("AGENT", False), ("EGRESS", False)]
)
async def test_a_call_without_a_stored_identity_goes_by_the_kind(
    client: httpx.AsyncClient, redis: Redis, kind: str, counts: bool
) -> None:
    """Calls that the version before opened are under way while this one starts."""
    call = await open_call(redis)
    body = event("participant_joined", call.room, participant={"identity": "x", "kind": kind})
    await client.post(PATH, content=body, headers=signed(body))
    joined = (await Calls(redis, source="test").get(call.id)).joined_ms
    assert (joined is not None) is counts


async def test_a_room_that_is_finished_ends_its_call_once(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    """A caller who hangs up before an agent comes leaves nobody else to say so."""
    call = await open_call(redis)
    body = event("room_finished", call.room)
    for wanted in ("ok", "duplicate"):
        response = await client.post(PATH, content=body, headers=signed(body))
        assert response.json() == {"status": wanted}
    ended = await Calls(redis, source="test").get(call.id)
    assert (ended.state, ended.how) == ("ended", "room_closed")


async def test_who_comes_to_a_call_that_is_over_is_sent_away(
    client: httpx.AsyncClient, redis: Redis, rooms: Rooms
) -> None:
    """No agent comes any more: a closed room says so, silence does not."""
    call = await open_call(redis)
    await Calls(redis, source="test").end(call, "never_joined")
    body = event("participant_joined", call.room, participant={"identity": "caller"})
    await client.post(PATH, content=body, headers=signed(body))
    assert rooms.deleted == [call.room]


async def test_rooms_of_others_are_none_of_our_business(client: httpx.AsyncClient) -> None:
    """A LiveKit project may serve other programs as well."""
    body = event("room_finished", "somebody-elses")
    response = await client.post(PATH, content=body, headers=signed(body))
    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "nonsense"},
        signed("another body"),
        signed(event("room_finished", "room"), secret="another-secret-of-thirty-two-chars"),
        signed(event("room_finished", "room"), exp=1_000),
        signed(event("room_finished", "room"), iss="otherkey"),
        signed(event("room_finished", "room"), sha256=""),
    ],
)
async def test_an_unsigned_word_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """Otherwise anybody could end everybody's calls."""
    body = event("room_finished", "room")
    response = await client.post(PATH, content=body, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("body", ["", "[]", "{", '{"event": 5}', "null"])
async def test_a_signed_body_that_is_no_event_is_a_4xx(
    client: httpx.AsyncClient, body: str
) -> None:
    response = await client.post(PATH, content=body, headers=signed(body))
    assert response.status_code in (400, 200)
    if response.status_code == 400:
        assert response.json()["error"]["code"] == "bad_request"


async def test_a_delivery_that_failed_here_is_taken_when_it_comes_again(
    client: httpx.AsyncClient, redis: Redis, rooms: Rooms
) -> None:
    """LiveKit repeats what we answered with an error: it must not be taken for a duplicate."""
    call = await open_call(redis)
    profile = await redis.hget(keys.call(call.id), "profile")
    await redis.hset(keys.call(call.id), "profile", "{torn")
    body = event("room_finished", call.room)
    failed = await client.post(PATH, content=body, headers=signed(body))
    assert failed.status_code == 500
    await redis.hset(keys.call(call.id), "profile", str(profile))
    again = await client.post(PATH, content=body, headers=signed(body))
    assert again.json() == {"status": "ok"}
    assert (await Calls(redis, source="test").get(call.id)).state == "ended"
