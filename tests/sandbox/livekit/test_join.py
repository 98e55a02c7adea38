"""Who gets in and what the first messages say: every client depends on it first of all."""

import asyncio
import time
from typing import Any

import aiohttp
import jwt
import pytest
from livekit import api
from livekit.protocol import models, rtc

from services.sandbox.livekit import DevServer
from tests.sandbox.livekit.clients import KEY, SECRET, Clients, Signal, token
from tests.sandbox.livekit.hook import Hook

Reason = models.DisconnectReason
State = models.ParticipantInfo.State


def _signed(claims: dict[str, Any], secret: str = SECRET) -> str:
    """A token with these claims; exp and nbf are seconds from now."""
    now = int(time.time())
    claims = {
        name: now + value if name in ("exp", "nbf") else value for name, value in claims.items()
    }
    base = {"iss": KEY, "sub": "x", "video": {"roomJoin": True, "room": "room"}}
    return jwt.encode({**base, **claims}, secret, algorithm="HS256")


async def test_the_first_messages(clients: Clients, hook: Hook) -> None:
    """A client that finds no join first, or a JOINED self in it, gives up."""
    config = api.RoomConfiguration(empty_timeout=30, departure_timeout=3, max_participants=9)
    client = await clients.signal(token("alice", config=config, attributes={"k": "v"}))
    join = await client.until("join")
    refreshed = (await client.receive()).refresh_token
    assert client.kinds == ["join", "refresh_token"]
    assert join.participant.state == State.JOINING
    assert join.participant.version == 0
    assert dict(join.participant.attributes) == {"k": "v"}
    assert (join.room.empty_timeout, join.room.departure_timeout) == (30, 3)
    assert join.room.max_participants == 9
    assert (join.ping_interval, join.ping_timeout) == (5, 15)
    assert not join.ice_servers
    claims = jwt.decode(refreshed, SECRET, algorithms=["HS256"])
    assert claims["identity"] == "alice"
    assert claims["attributes"] == {"k": "v"}
    assert claims["roomConfig"]["maxParticipants"] == 9
    started = await hook.until("room_started")
    assert started.room.sid == join.room.sid


@pytest.mark.parametrize(
    ("claims", "status", "text"),
    [
        ({"exp": -600}, 401, "token is expired"),
        ({"nbf": 600}, 401, "token is not valid yet"),
        ({"iss": "other"}, 401, "invalid API key: other"),
        ({"video": {"room": "room"}}, 401, "permissions denied"),
        ({"video": {"roomJoin": True, "room": ""}}, 400, "no room name"),
        ({"sub": ""}, 400, "identity cannot be empty"),
    ],
)
async def test_refusals(clients: Clients, claims: dict[str, Any], status: int, text: str) -> None:
    """A wrong token must say what is wrong, on the socket and to the client that asks again."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await clients.signal(_signed(claims))
    assert refused.value.status == status
    answered, said = await clients.validate(_signed(claims))
    assert answered == status
    assert text in said


@pytest.mark.parametrize("claims", [{}, {"exp": -30}, {"nbf": 20}])
async def test_clocks_may_differ_a_little(clients: Clients, claims: dict[str, Any]) -> None:
    """A laptop whose clock is half a minute off could not call."""
    client = await clients.signal(_signed(claims))
    await client.until("join")
    assert await clients.validate(_signed(claims)) == (200, "success")


async def test_a_forged_or_unreadable_token(clients: Clients) -> None:
    """Anybody could join with a token of their own making."""
    status, text = await clients.validate(_signed({}, secret="another secret, 32 characters long"))
    assert (status, "signature is invalid" in text) == (401, True)
    assert await clients.validate("garbage") == (401, "invalid authorization token")


async def test_other_paths_do_not_exist(server: DevServer) -> None:
    """Clients that find the older signal path would take it, and fail there."""
    async with aiohttp.ClientSession() as session:
        for path in ("/rtc", "/nope", "/settings/regions"):
            async with session.get(server.http_url + path) as response:
                assert (response.status, await response.text()) == (404, "404 page not found\n")
        async with session.get(server.http_url + "/rtc/v1/validate") as response:
            assert response.status == 401
        async with session.get(server.http_url + "/") as response:
            assert await response.text() == "OK"


async def test_an_uncompressed_join_request(clients: Clients) -> None:
    """A resuming Python client does not compress."""
    client = await clients.signal(token("a"), rtc.JoinRequest(metadata="m"), compressed=False)
    assert (await client.until("join")).participant.identity == "a"


async def test_an_unreadable_join_request(server: DevServer) -> None:
    """One bad request must be answered, not end in a 500 with a traceback."""
    async with aiohttp.ClientSession() as session:
        query = {"access_token": token("a"), "join_request": "CgQ*"}
        async with session.get(server.http_url + "/rtc/v1/validate", params=query) as response:
            assert response.status == 400


async def test_the_same_identity_again(clients: Clients, hook: Hook) -> None:
    """Two tabs of one caller: the first must hear why it ended, and others see one participant."""
    watcher = await clients.signal(token("watcher"))
    first = await clients.signal(token("a"))
    old = (await first.until("join")).participant.sid
    second = await clients.signal(token("a"))
    new = (await second.until("join")).participant.sid
    assert (await first.until("leave")).reason == Reason.DUPLICATE_IDENTITY
    assert await first.closed() == 1000
    assert old != new
    aborted = await hook.until("participant_connection_aborted")
    assert aborted.participant.sid == old
    update = await watcher.until("update", lambda u: u.participants[0].sid == new)
    assert [p.state for p in update.participants] == [State.JOINED]
    assert old not in [
        p.sid for m in watcher.seen for p in m.update.participants if p.state == State.DISCONNECTED
    ]


async def test_a_client_that_leaves(clients: Clients) -> None:
    """The client waits for the answer; without it closing a call takes seconds."""
    client = await clients.signal(token("a"))
    await client.until("join")
    await client.send(leave=rtc.LeaveRequest(reason=Reason.CLIENT_INITIATED))
    assert (await client.until("leave")).reason == Reason.CLIENT_INITIATED
    assert await client.closed() == 1000


async def test_signal_without_media_ends_with_its_socket(clients: Clients, hook: Hook) -> None:
    """A page closed while connecting would stay in the room for good."""
    client = await clients.signal(token("ghost"))
    await client.until("join")
    await client.socket.close()
    event = await hook.until("participant_connection_aborted")
    assert event.participant.disconnect_reason == Reason.SIGNAL_CLOSE


async def test_a_full_room(clients: Clients) -> None:
    """The product allows one caller a room; its agents must get in all the same."""
    config = api.RoomConfiguration(max_participants=1)
    first = await clients.signal(token("a", config=config))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await clients.signal(token("b"))
    assert refused.value.status == 500
    told = await first.until("update", lambda u: u.participants[0].identity == "b")
    assert told.participants[0].disconnect_reason == Reason.JOIN_FAILURE
    assert (await clients.validate(token("b")))[0] == 200
    agent = await clients.signal(token("agent", agent=True, kind="agent"))
    assert (await agent.until("join")).participant.kind == models.ParticipantInfo.Kind.AGENT
    again = await clients.signal(token("a"))
    await again.until("join")


async def test_two_who_come_at_once_for_one_place(clients: Clients) -> None:
    """Two callers in a room for one would hear each other."""
    config = api.RoomConfiguration(max_participants=1)
    sockets = await asyncio.gather(
        *(clients.signal(token(identity, config=config)) for identity in "abc"),
        return_exceptions=True,
    )
    joined = 0
    for socket in sockets:
        if isinstance(socket, Signal):
            joined += (await socket.receive()).HasField("join")
    assert joined == 1


async def test_a_hidden_participant(clients: Clients) -> None:
    """A recorder or a supervisor would show up on the caller's page."""
    watcher = await clients.signal(token("watcher"))
    hidden = await clients.signal(token("hidden", hidden=True))
    await hidden.until("join")
    seen = await clients.signal(token("seen"))
    assert [p.identity for p in (await seen.until("join")).other_participants] == ["watcher"]
    update = await watcher.until("update", lambda u: u.participants[-1].identity == "seen")
    assert "hidden" not in [p.identity for p in update.participants]
    lk = await clients.api()
    listed = await lk.room.list_participants(api.ListParticipantsRequest(room="room"))
    assert {p.identity for p in listed.participants} == {"watcher", "hidden", "seen"}


async def test_pings_are_answered(clients: Clients) -> None:
    """Clients give a silent socket up after 15 s."""
    client = await clients.signal(token("a"))
    await client.send(ping_req=rtc.Ping(timestamp=77))
    assert (await client.until("pong_resp")).last_ping_timestamp == 77
    await client.send(ping=5)
    assert (await client.until("pong")) > 0
    await client.socket.send_bytes(b"\xff\xff")
    await client.send(ping_req=rtc.Ping(timestamp=78))
    assert (await client.until("pong_resp")).last_ping_timestamp == 78


async def test_resuming_as_somebody_unknown(clients: Clients) -> None:
    """After a server restart clients must join anew, not wait for media that never comes."""
    client = await clients.signal(
        token("a"), rtc.JoinRequest(reconnect=True, participant_sid="PA_unknown")
    )
    leave = await client.until("leave")
    assert leave.action == rtc.LeaveRequest.Action.RECONNECT
    assert leave.reason == Reason.STATE_MISMATCH
    assert await client.closed() == 1000


async def test_own_metadata_needs_a_grant(clients: Clients) -> None:
    """A caller could pass for the agent by taking its attributes."""
    client = await clients.signal(token("a"))
    update = rtc.UpdateParticipantMetadata(attributes={"lk.agent.state": "x"}, request_id=3)
    await client.send(update_metadata=update)
    refused = await client.until("request_response")
    assert refused.reason == rtc.RequestResponse.Reason.NOT_ALLOWED
    assert (refused.request_id, refused.update_metadata) == (3, update)


async def test_changing_own_metadata(clients: Clients) -> None:
    """The agent's state, which the page shows, is an attribute that it sets itself."""
    watcher = await clients.signal(token("watcher"))
    client = await clients.signal(
        token("a", can_update_own_metadata=True, attributes={"k": "v", "old": "1"})
    )
    update = rtc.UpdateParticipantMetadata(
        name="A", metadata="m", attributes={"k": "w", "old": ""}, request_id=1
    )
    await client.send(update_metadata=update)
    assert (await client.until("request_response")).reason == rtc.RequestResponse.Reason.OK
    told = await watcher.until("update", lambda u: u.participants[0].name == "A")
    assert told.participants[0].metadata == "m"
    assert dict(told.participants[0].attributes) == {"k": "w"}
    claims = jwt.decode(await client.until("refresh_token"), SECRET, algorithms=["HS256"])
    assert claims["attributes"] == {"k": "w"}


@pytest.mark.parametrize(
    ("grants", "request_", "reason"),
    [
        ({"can_publish": False}, {"source": models.TrackSource.MICROPHONE}, "NOT_ALLOWED"),
        (
            {"can_publish_sources": ["microphone"]},
            {"source": models.TrackSource.SCREEN_SHARE_AUDIO},
            "NOT_ALLOWED",
        ),
        ({}, {"type": models.TrackType.VIDEO}, "UNSUPPORTED_TYPE"),
    ],
)
async def test_tracks_that_are_refused(
    clients: Clients, grants: dict[str, Any], request_: dict[str, Any], reason: str
) -> None:
    """Video handed to a subscriber on an audio section would crash its whole process."""
    client = await clients.signal(token("a", **grants))
    request = rtc.AddTrackRequest(cid="c", **request_)
    await client.send(add_track=request)
    refused = await client.until("request_response")
    assert rtc.RequestResponse.Reason.Name(refused.reason) == reason
    assert refused.add_track == request


async def test_an_allowed_track_is_announced(clients: Clients) -> None:
    """Publishing waits for this answer with the client's own id."""
    client = await clients.signal(token("a", can_publish_sources=["microphone"]))
    request = rtc.AddTrackRequest(cid="c", name="mic", source=models.TrackSource.MICROPHONE)
    await client.send(add_track=request)
    published = await client.until("track_published")
    assert (published.cid, published.track.name, published.track.mid) == ("c", "mic", "")
    await client.send(add_track=request)
    assert (await client.until("track_published")).track.sid == published.track.sid
