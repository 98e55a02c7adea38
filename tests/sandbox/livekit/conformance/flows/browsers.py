"""Flows g1 and g3: the browser client with a Python peer, and its reconnects."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from livekit import api, rtc
from playwright.async_api import Browser

from tests.browser import chromium
from tests.sandbox.livekit.conformance.client import Client
from tests.sandbox.livekit.conformance.page import Participant, write_voice
from tests.sandbox.livekit.conformance.stage import Stage


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    """One that hears a voice."""
    with tempfile.TemporaryDirectory() as directory:
        voice = Path(directory) / "voice.wav"
        write_voice(voice)
        async with chromium(microphone=voice) as browser:
            yield browser


async def _page(stage: Stage, browser: Browser, label: str) -> Participant:
    page = Participant(stage.trace, label)
    await page.open(browser, stage.server.http_url)
    return page


async def g1(stage: Stage) -> None:
    room = "golden-g1"
    async with _browser() as browser:
        web = await _page(stage, browser, "web")
        second = await _page(stage, browser, "web(second)")
        stage.begin(1412)
        token = stage.token(
            "web",
            room,
            name="Web",
            attributes={"k": "v"},
            config=api.RoomConfiguration(departure_timeout=3),
            can_update_own_metadata=True,
        )
        await web.join(stage.tap.url, token)
        await stage.align(1647)
        await stage.at(2739)
        await web.act("setMicrophoneEnabled(true)", _MICROPHONE)
        await stage.at(3826)
        bob = await stage.join("bob", room)
        await bob.publish()
        await _mute(stage, web)
        await _describe(stage, web)
        await _talk(stage, web, bob)
        await _call_each_other(stage, web, bob)
        await _publish_again(stage, web)
        await stage.at(15481)
        attributes = {"srv": "1"}
        change = "RoomService/UpdateParticipant"
        await stage.admin(change, room, identity="web", attributes=attributes)
        await stage.admin("RoomService/SendData", room, data="c3J2", topic="s", nonce="AAAA")
        await stage.admin("RoomService/ListParticipants", room)
        await stage.at(15999)
        await bob.disconnect()
        await stage.at(17326)
        await second.join(stage.tap.url, stage.token("web", room))
        await stage.at(20093)
        await second.act("room.disconnect()", "room.disconnect()")
        await stage.seen("webhook", "room_finished", within=8)


_MICROPHONE = "{ await room.localParticipant.setMicrophoneEnabled(true) }"
_TRACK = "[...room.localParticipant.audioTrackPublications.values()][0]"


async def _mute(stage: Stage, web: Participant) -> None:
    await stage.at(10110)
    await web.act("mute", f"{{ await {_TRACK}.mute() }}")
    await stage.at(11123)
    await web.act("unmute", f"{{ await {_TRACK}.unmute() }}")


async def _describe(stage: Stage, web: Participant) -> None:
    await stage.at(12132)
    await web.act("setAttributes", "room.localParticipant.setAttributes({ a: '1', k: '' })")
    await web.act("setMetadata", "room.localParticipant.setMetadata('mm')")
    await web.act("setName", "room.localParticipant.setName('Web2')")


async def _talk(stage: Stage, web: Participant, bob: Client) -> None:
    send = "{{ await room.localParticipant.sendText({}, {{ topic: 'lk.chat' }}) }}"
    await web.act("sendText lk.chat", send.format("'hello chat'"))
    await web.act("sendText long", send.format("'y'.repeat(40000)"))
    publish = "room.localParticipant.publishData(new TextEncoder().encode('{}'), {})"
    await web.act("publishData reliable", publish.format("rel", "{ reliable: true, topic: 't' }"))
    await web.act("publishData lossy", publish.format("los", "{ reliable: false }"))
    await bob.me.send_text("from bob", topic="lk.transcription", attributes={"lk.segment_id": "s"})
    await bob.me.publish_data("bobdata", topic="b")


async def _call_each_other(stage: Stage, web: Participant, bob: Client) -> None:
    async def echo(call: rtc.RpcInvocationData) -> str:
        return f"e:{call.payload}"

    await stage.at(12738)
    bob.me.register_rpc_method("echo", echo)
    request = "{{destinationIdentity: 'bob', method: '{}', payload: 'x'}}"
    call = f"room.localParticipant.performRpc({request})"
    await web.act("performRpc echo", call.format("echo"))
    await web.act("performRpc unknown method", call.format("nope"))
    answer = await bob.me.perform_rpc(
        destination_identity="web", method="ping", payload="q", response_timeout=8.0
    )
    bob.see("rpc ok", answer)


async def _publish_again(stage: Stage, web: Participant) -> None:
    unpublish = f"{{ await room.localParticipant.unpublishTrack({_TRACK}.track) }}"
    await web.act("unpublish mic", unpublish)
    await stage.at(13889)
    await web.act("publish again", _MICROPHONE)


async def g3(stage: Stage) -> None:
    room = "golden-g3"
    async with _browser() as browser:
        web = await _page(stage, browser, "web")
        stage.begin(480)
        bob = await stage.join("bob", room)
        await stage.align(514)
        await stage.at(585)
        await bob.publish()
        await stage.at(985)
        await web.join(stage.tap.url, stage.token("web", room))
        await stage.seen("rtc:web", "answer", count=3)  # then the track has an offer of its own
        await web.act("setMicrophoneEnabled(true)", _MICROPHONE)
        await stage.at(4463)
        stage.tap.cut("rtc:web")
        publish = (
            "room.localParticipant.publishData(new TextEncoder().encode('{}'), {{reliable: true}})"
        )
        await stage.at(8463)
        await web.act("publishData after resume", publish.format("after"))
        await stage.seen("sdk:bob", "data_received")
        await bob.me.publish_data("to web")
        await stage.at(9476)
        full = "{ await room.simulateScenario('full-reconnect') }"
        await web.act("simulateScenario full-reconnect", full)
        await stage.at(14486)
        await web.act("publishData after full reconnect", publish.format("after2"))
        await stage.at(15499)
        await web.close()
        await stage.seen("webhook", "participant_left", count=2)
        await bob.disconnect()
        await stage.seen("webhook", "participant_left", count=3)
