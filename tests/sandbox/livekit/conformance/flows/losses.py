"""Flows e1 and e2: a client that is killed, and one whose signal socket breaks."""

from tests.sandbox.livekit.conformance.player import Process
from tests.sandbox.livekit.conformance.stage import Stage


async def e1(stage: Stage) -> None:
    room = "golden-e1"
    process = Process()
    stage.keep(process)
    await process.start()
    stage.begin()
    watcher = await stage.join("watcher", room)
    await stage.align(41)
    await stage.at(260)
    await process.play(stage.tap.url, stage.token("victim", room))
    await stage.at(3367)
    await process.kill()
    await stage.seen("webhook", "participant_left", within=24)
    await stage.at(24545)
    await watcher.disconnect()
    await stage.seen("webhook", "participant_left", count=2)
    await stage.seen("rtc:watcher", "ws-eof", count=2)


async def e2(stage: Stage) -> None:
    room = "golden-e2"
    stage.begin()
    watcher = await stage.join("watcher", room)
    await stage.align(20)
    victim = await stage.join("victim", room)
    await stage.at(150)
    await victim.publish()
    await stage.at(3341)
    stage.tap.cut("rtc:victim")
    await stage.at(8343)
    await victim.me.publish_data("after", topic="t")
    await stage.at(10346)
    stage.tap.cut("rtc:victim#2")
    await stage.at(15349)
    await victim.disconnect()
    await watcher.disconnect()
    await stage.seen("webhook", "participant_left", count=2)
    await stage.seen("rtc:watcher", "ws-eof", count=2)
