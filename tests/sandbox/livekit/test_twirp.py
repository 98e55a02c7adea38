"""The server API: the watchdog and other people's tools depend on its answers to the letter."""

import asyncio
import json
import time

import pytest
from livekit import api
from livekit.protocol import models, rtc

from services.sandbox.livekit import Timings
from tests.sandbox.livekit.clients import Clients, token
from tests.sandbox.livekit.hook import Hook

Reason = models.DisconnectReason


def _admin(room: str = "room") -> str:
    return token("", room, room_join=False, room_admin=True)


async def test_errors_in_json(clients: Clients) -> None:
    """Client libraries take code and message out of exactly this."""
    wanted = json.dumps({"room": "room"})
    denied = (401, {"code": "unauthenticated", "msg": "permissions denied"})
    assert await clients.post("ListRooms", "{}") == denied
    assert await clients.post("ListRooms", "{}", jwt=token("a")) == denied
    assert await clients.post("ListParticipants", wanted, jwt=_admin("other")) == denied
    create = await clients.post(
        "CreateDispatch", wanted, jwt=token("a"), service="AgentDispatchService"
    )
    assert create == denied
    status, answer = await clients.post("Nope", "{}", jwt=_admin())
    assert (status, answer["code"]) == (404, "bad_route")
    assert answer["meta"]["twirp_invalid_route"] == "POST /twirp/livekit.RoomService/Nope"
    assert await clients.post("X", "{}", service="Nope") == (404, "404 page not found\n")
    assert await clients.post("ListRooms", "{", jwt=_admin()) == (
        400,
        {"code": "malformed", "msg": "the json request could not be decoded"},
    )
    status, text = await clients.post("ListRooms", "{}", jwt="garbage")
    assert (status, text) == (401, "invalid authorization token")
    status, answer = await clients.post("MoveParticipant", "{}", jwt=_admin())
    assert (status, answer["code"]) == (501, "unimplemented")
    status, answer = await clients.post("ListEgress", "{}", jwt=_admin(), service="Egress")
    assert (status, answer["code"]) == (501, "unimplemented")


async def test_json_answers_name_every_field(clients: Clients) -> None:
    """Tools in other languages read fields that are zero too."""
    jwt = token("", room_join=False, room_create=True)
    status, room = await clients.post("CreateRoom", '{"name": "r", "metadata": "m"}', jwt=jwt)
    assert status == 200
    assert (room["name"], room["metadata"], room["empty_timeout"]) == ("r", "m", 300)
    assert (room["num_participants"], room["active_recording"]) == (0, False)
    assert room["version"] is None
    status, listed = await clients.post(
        "ListDispatch", '{"room": "r"}', jwt=_admin("r"), service="AgentDispatchService"
    )
    (dispatch,) = listed["agent_dispatches"]
    assert (dispatch["agent_name"], dispatch["state"]["jobs"]) == ("", [])


async def test_rooms(clients: Clients, hook: Hook) -> None:
    """The gateway makes and deletes rooms this way."""
    lk = await clients.api()
    made = await lk.room.create_room(
        api.CreateRoomRequest(name="r", empty_timeout=60, max_participants=5, metadata="m")
    )
    again = await lk.room.create_room(api.CreateRoomRequest(name="r", metadata="other"))
    assert (again.sid, again.metadata, again.max_participants) == (made.sid, "m", 5)
    listed = await lk.room.list_rooms(api.ListRoomsRequest(names=["r", "nope"]))
    assert [room.sid for room in listed.rooms] == [made.sid]
    changed = await lk.room.update_room_metadata(
        api.UpdateRoomMetadataRequest(room="r", metadata="new")
    )
    assert changed.metadata == "new"
    client = await clients.signal(token("a", "r"))
    await client.until("join")
    await lk.room.delete_room(api.DeleteRoomRequest(room="r"))
    assert (await client.until("leave")).reason == Reason.ROOM_DELETED
    assert (await hook.until("room_finished")).room.sid == made.sid
    with pytest.raises(api.TwirpError) as missing:
        await lk.room.delete_room(api.DeleteRoomRequest(room="r"))
    assert (missing.value.code, missing.value.status) == ("not_found", 404)
    assert not (await lk.room.list_rooms(api.ListRoomsRequest())).rooms


async def test_participants(clients: Clients) -> None:
    """The watchdog sees by this list whether an agent is there, and removes a dead one."""
    lk = await clients.api()
    client = await clients.signal(token("a"))
    await client.until("join")
    who = api.RoomParticipantIdentity(room="room", identity="a")
    assert (await lk.room.get_participant(who)).state == models.ParticipantInfo.State.JOINED
    unknown = await lk.room.list_participants(api.ListParticipantsRequest(room="nope"))
    assert not unknown.participants
    await lk.room.remove_participant(who)
    assert (await client.until("leave")).reason == Reason.PARTICIPANT_REMOVED
    with pytest.raises(api.TwirpError) as missing:
        await lk.room.get_participant(who)
    assert missing.value.message == "twirp error unknown: participant does not exist"


async def test_updating_a_participant(clients: Clients) -> None:
    """Each kind of change is a version of its own, and the client gets a token that says so."""
    lk = await clients.api()
    client = await clients.signal(token("a", attributes={"x": "1"}))
    await client.until("refresh_token")
    await lk.room.update_participant(
        api.UpdateParticipantRequest(
            room="room", identity="a", name="A", metadata="m", attributes={"x": "", "y": "2"}
        )
    )
    told = [(await client.until("update")).participants[0] for _ in range(3)]
    assert [p.version for p in told] == [2, 3, 4]
    assert (told[2].name, told[2].metadata, dict(told[2].attributes)) == ("A", "m", {"y": "2"})
    await client.until("refresh_token")
    permission = api.ParticipantPermission(can_subscribe=True, can_publish_data=True)
    await lk.room.update_participant(
        api.UpdateParticipantRequest(room="room", identity="a", permission=permission)
    )
    update = await client.until("update")
    assert not update.participants[0].permission.can_publish
    await client.send(add_track=rtc.AddTrackRequest(cid="c"))
    refused = await client.until("request_response")
    assert refused.reason == rtc.RequestResponse.Reason.NOT_ALLOWED


async def test_what_waits_for_a_room_that_is_not_there(clients: Clients, timings: Timings) -> None:
    """The real server asks all its nodes first; a caller of the API must bear the wait."""
    lk = await clients.api()
    started = time.monotonic()
    send = api.SendDataRequest(room="nope", data=b"x")
    answers = await asyncio.gather(
        lk.room.send_data(send),
        lk.agent_dispatch.list_dispatch("nope"),
        return_exceptions=True,
    )
    assert time.monotonic() - started >= timings.unknown_room
    for answer in answers:
        assert isinstance(answer, api.TwirpError)
        assert (answer.code, answer.status) == ("unavailable", 503)


async def test_dispatches(clients: Clients) -> None:
    """The watchdog dispatches an agent again by these calls."""
    lk = await clients.api()
    made = await lk.agent_dispatch.create_dispatch(
        api.CreateAgentDispatchRequest(agent_name="a", room="r", metadata="m")
    )
    assert (made.room, made.agent_name, made.metadata) == ("r", "a", "m")
    listed = await lk.agent_dispatch.list_dispatch("r")
    assert {d.agent_name for d in listed} == {"", "a"}
    found = await lk.agent_dispatch.get_dispatch(made.id, "r")
    assert found is not None
    assert found.id == made.id
    await lk.agent_dispatch.delete_dispatch(made.id, "r")
    with pytest.raises(api.TwirpError) as missing:
        await lk.agent_dispatch.delete_dispatch(made.id, "r")
    assert missing.value.message == "twirp error unknown: dispatch ID not found"
