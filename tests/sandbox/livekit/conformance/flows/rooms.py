"""Flows d1 to d4: the server API, rooms' timeouts, limits and configuration."""

import contextlib

from livekit import api, rtc

from tests.sandbox.livekit.conformance.stage import Stage


async def d1(stage: Stage) -> None:
    room = "golden-d1"
    stage.begin()
    await stage.create_room(
        name=room, empty_timeout=60, max_participants=5, metadata="rm", departure_timeout=7
    )
    await stage.at(505)
    await stage.create_room(name=room, empty_timeout=61, metadata="rm2")
    await stage.list_rooms(room)
    await stage.list_rooms("nope")
    await stage.at(520)
    alice = await stage.join("alice", room, name="Al", metadata="pm", attributes={"x": "1"})
    await stage.at(600)
    await stage.join("bob", room)
    await stage.at(701)
    mic = await alice.publish()
    await stage.at(2892)
    await stage.admin("RoomService/ListParticipants", room)
    await stage.admin("RoomService/GetParticipant", room, identity="alice")
    await stage.admin("RoomService/GetParticipant", room, identity="zed")
    await stage.admin("RoomService/ListParticipants", "nope")
    await stage.list_rooms(room)
    changes = {"metadata": "pm2", "name": "Al2", "attributes": {"x": "", "y": "2"}}
    await stage.admin("RoomService/UpdateParticipant", room, identity="alice", **changes)
    await stage.at(3506)
    await stage.admin("RoomService/UpdateParticipant", room, identity="zed", metadata="q")
    await stage.admin("RoomService/UpdateRoomMetadata", room, metadata="rm3")
    await stage.at(4110)
    sid = mic.sid
    mute = "RoomService/MutePublishedTrack"
    await stage.admin(mute, room, identity="alice", track_sid=sid, muted=True)
    await stage.at(5113)
    await stage.admin(mute, room, identity="alice", track_sid=sid, muted=False)
    await stage.at(5716)
    await _send_data(stage, room)
    await stage.at(9333)
    await stage.admin("RoomService/RemoveParticipant", room, identity="bob")
    await stage.at(10850)
    await stage.admin("RoomService/RemoveParticipant", room, identity="zed")
    await stage.delete_room(room, noted=True)
    await stage.at(12359)
    await stage.delete_room(room, noted=True)
    await stage.list_rooms()


async def _send_data(stage: Stage, room: str) -> None:
    send = "RoomService/SendData"
    await stage.admin(send, room, data="YWxs", topic="t", nonce="AAAA")
    await stage.admin(send, room, data="Ym9i", destination_identities=["bob"], nonce="AAAB")
    await stage.admin(send, room, data="bA==", kind="LOSSY", nonce="AAAC")
    await stage.admin(send, room, data="dQ==", destination_identities=["zed"], nonce="AAAD")
    await stage.admin(send, "nope", data="dQ==", nonce="AAAE")


async def d2(stage: Stage) -> None:
    stage.begin()
    await stage.create_room(name="golden-d2a", empty_timeout=4)
    await stage.seen("webhook", "room_finished")
    stage.begin(3951)
    await stage.create_room(name="golden-d2b", empty_timeout=60, departure_timeout=5)
    alice = await stage.join("alice", "golden-d2b")
    await stage.at(5039)
    await alice.disconnect()
    await stage.seen("webhook", "room_finished", count=2, within=8)
    stage.begin(9954)
    alice = await stage.join("alice", "golden-d2c")
    await stage.at(10535)
    await alice.disconnect()
    await stage.seen("webhook", "room_finished", count=3, within=24)


async def d3(stage: Stage) -> None:
    room = "golden-d3"
    stage.begin()
    await stage.create_room(name=room, max_participants=1)
    await stage.join("alice", room)
    await stage.at(64)
    with contextlib.suppress(rtc.ConnectError):
        await stage.join("bob", room)
    await stage.at(197)
    await stage.join("alice", room, label="alice(2)")
    await stage.at(1254)
    agent = await stage.join("ag", room, kind="agent", agent=True)
    await stage.at(1816)
    await agent.disconnect()
    await stage.delete_room(room, noted=True)
    await stage.seen("webhook", "room_finished")
    await stage.seen("sdk:alice(2)", "disconnected")


async def d4(stage: Stage) -> None:
    room = "golden-d4"
    stage.begin()
    config = api.RoomConfiguration(
        max_participants=2, empty_timeout=33, departure_timeout=4, metadata="md"
    )
    alice = await stage.join("alice", room, config=config)
    await stage.list_rooms(room)
    other = api.RoomConfiguration(
        max_participants=9, empty_timeout=99, departure_timeout=9, metadata="other"
    )
    bob = await stage.join("bob", room, config=other)
    await stage.list_rooms(room)
    await alice.disconnect()
    await bob.disconnect()
    await stage.delete_room(room, noted=True)
    await stage.at(671)
    await stage.calls.twirp("RoomService/DeleteRoom", {"room": room}, stage.token("x", room))
