"""Flow a1: two participants do everything that participants do."""

import contextlib

from livekit import api, rtc

from tests.sandbox.livekit.conformance.client import Client
from tests.sandbox.livekit.conformance.stage import Stage

_ROOM = "golden-a1"


async def a1(stage: Stage) -> None:
    stage.begin()
    config = api.RoomConfiguration(empty_timeout=30, departure_timeout=3)
    alice = await stage.join(
        "alice",
        _ROOM,
        name="Alice",
        metadata="m0",
        attributes={"k": "v"},
        config=config,
        can_update_own_metadata=True,
    )
    await stage.align(68)
    await stage.at(1102)
    bob = await stage.join("bob", _ROOM, config=config)
    await _tracks(stage, alice, bob)
    await _metadata(stage, alice, bob)
    await _data(stage, alice)
    await _rpc(stage, alice, bob)
    await stage.admin("RoomService/ListParticipants", _ROOM)
    await bob.disconnect()
    await _again(stage, alice)
    await stage.seen("webhook", "room_finished", within=8)


async def _echo(call: rtc.RpcInvocationData) -> str:
    return f"echo:{call.payload}"


async def _tracks(stage: Stage, alice: Client, bob: Client) -> None:
    await stage.at(2156)
    publication = await alice.publish()
    await stage.at(5220)
    alice.mute()
    await stage.at(6421)
    alice.unmute()
    await stage.at(7623)
    await bob.publish()
    await stage.at(9674)
    await alice.me.unpublish_track(publication.sid)
    await stage.at(11227)
    await alice.publish()


async def _metadata(stage: Stage, alice: Client, bob: Client) -> None:
    listening = {"lk.agent.state": "listening"}
    for t_ms, who in ((12779, alice), (14004, bob)):
        await stage.at(t_ms)
        await who.me.set_attributes(listening)
        await stage.at(t_ms + 407)
        await who.me.set_metadata("m1")
        await stage.at(t_ms + 815)
        await who.me.set_name("New")
    await stage.at(15216)
    await alice.me.set_attributes({"k": "", "lk.agent.state": "speaking"})


async def _data(stage: Stage, alice: Client) -> None:
    await stage.at(15723)
    await alice.me.publish_data("rel", topic="t1")
    await alice.me.publish_data("lossy", reliable=False, topic="t2")
    await alice.me.publish_data("direct", topic="t3", destination_identities=["bob"])
    await stage.at(16227)
    attributes = {"lk.transcription_final": "true", "lk.segment_id": "s1"}
    await alice.me.send_text("hello transcription", topic="lk.transcription", attributes=attributes)
    await alice.me.send_text("x" * 40000, topic="lk.chat")


async def _rpc(stage: Stage, alice: Client, bob: Client) -> None:
    await stage.at(16735)
    bob.me.register_rpc_method("echo", _echo)  # makes the client offer once more
    for identity, method in (("bob", "echo"), ("bob", "nope"), ("nobody", "echo")):
        try:
            answer = await alice.me.perform_rpc(
                destination_identity=identity, method=method, payload="x"
            )
            alice.see("rpc ok", answer)
        except rtc.RpcError as error:
            alice.see("rpc ERROR", {"code": error.code, "message": error.message})


async def _again(stage: Stage, alice: Client) -> None:
    await stage.at(25271)
    await stage.join("bob", _ROOM)
    await stage.at(26333)
    second = await stage.join("bob", _ROOM, label="bob(second)")
    await stage.at(28408)
    await alice.disconnect()
    await stage.at(29418)
    with contextlib.suppress(RuntimeError):
        await second.disconnect()
