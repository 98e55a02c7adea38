"""Flows b1 and b2: tokens that are refused, and what a grant allows."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any

import jwt
from livekit import rtc

from shared.runtime.tasks import cancel
from tests.sandbox.livekit.conformance.client import Client
from tests.sandbox.livekit.conformance.stage import KEY, SECRET, Stage

_ROOM = "golden-b1"
_GRANTS = {
    "roomJoin": True,
    "room": _ROOM,
    "canPublish": True,
    "canSubscribe": True,
    "canPublishData": True,
}


def _signed(claims: dict[str, Any], secret: str = SECRET) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


def _claims(lifetime: int = 600, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"video": _GRANTS, "sub": "x", "iss": KEY, "nbf": now, "exp": now + lifetime}
    return claims | changes


def _bare(**changes: Any) -> dict[str, Any]:
    """Claims without a beginning, as another library might make them."""
    video = {"roomJoin": True, "room": _ROOM}
    return {"iss": KEY, "sub": "x", "video": video, "exp": int(time.time()) + 3600} | changes


def _tokens() -> list[tuple[int, str]]:
    """When each was tried, in milliseconds."""
    now = int(time.time())
    other_secret = "another secret of thirty-two characters"
    empty_room = {"roomJoin": True, "room": ""}
    lasting = _bare()
    del lasting["exp"]
    return [
        (1, _signed(_claims(-600, nbf=now))),
        (252, _signed(_claims(-30, nbf=now - 30))),
        (510, _signed(_claims(), other_secret)),
        (732, _signed(_claims(iss="otherkey"))),
        (956, _signed(_claims(video=_GRANTS | {"roomJoin": False}))),
        (1177, _signed(_bare(video=empty_room))),
        (1460, _signed(_bare(sub=""))),
        (1740, _signed(lasting)),
        (2008, _signed(_bare(nbf=now + 20))),
        (2288, _signed(_bare(nbf=now + 600))),
        (2514, _signed(_bare(video={"room": _ROOM}))),
        (2741, "notatoken"),
        (2967, ""),
    ]


async def b1(stage: Stage) -> None:
    stage.begin()
    for t_ms, token in _tokens():
        await stage.at(t_ms)
        await _try(stage, token)
    await stage.at(3192)
    last = stage.client("x")
    await last.connect(stage.tap.url, _signed(_claims()))
    await last.disconnect()
    await stage.delete_room(_ROOM, noted=True)
    await _twirp_errors(stage)
    await _plain_requests(stage)


async def _try(stage: Stage, token: str) -> None:
    client = stage.client("x")
    with contextlib.suppress(rtc.ConnectError):
        await client.connect(stage.tap.url, token)


async def _twirp_errors(stage: Stage) -> None:
    def token(secret: str = SECRET, **changes: Any) -> str:
        return _signed(_claims(video=_GRANTS | changes), secret)

    twirp = stage.calls.twirp_json
    wrong_secret = "another secret of thirty-two characters"
    room = f'{{"room":"{_ROOM}"}}'
    await twirp("RoomService/ListRooms", "{}", token())
    await twirp("RoomService/ListRooms", "{}", None)
    await twirp("RoomService/ListParticipants", room, token(roomAdmin=True, room="other"))
    await twirp("RoomService/ListParticipants", room, token(roomAdmin=True))
    await twirp("RoomService/ListRooms", "{}", token(wrong_secret, roomList=True))
    dispatch = f'{{"room":"{_ROOM}","agent_name":"a"}}'
    await twirp("AgentDispatchService/CreateDispatch", dispatch, token())
    await twirp("RoomService/Nope", "{}", token(roomAdmin=True))
    await twirp("Nope/Nope", "{}", token(roomAdmin=True))
    await twirp("RoomService/ListRooms", "{", token(roomList=True))
    await twirp("RoomService/CreateRoom", "{}", token(roomCreate=True))


async def _plain_requests(stage: Stage) -> None:
    http = stage.calls.http
    token = _signed(_claims())
    await http("GET", "/")
    await http("GET", "/rtc/validate", token)
    await http("GET", "/rtc/v1/validate", token)
    await http("GET", "/nope", token)
    await http("GET", "/settings/regions", token)
    await http("GET", "/rtc/v1", token)
    await http("GET", "/agent", token)
    await http("GET", "/rtc/v1/validate", params={"access_token": "garbage"})
    preflight = {"Origin": "http://example.test", "Access-Control-Request-Method": "GET"}
    await http("OPTIONS", "/rtc/v1/validate", headers=preflight)
    await stage.calls.preflight("RoomService/ListRooms")


async def b2(stage: Stage) -> None:
    stage.begin()
    watcher = await stage.join("watcher", "golden-b2")
    await stage.align(48)
    await _no_publishing(stage)
    await _microphone_only(stage)
    await _no_data(stage)
    await stage.at(39977)
    await watcher.publish()
    await _no_subscribing(stage)
    await _hidden(stage)
    await _permission_taken_away(stage)
    await _expired(stage)
    await watcher.disconnect()
    await stage.delete_room("golden-b2", noted=True)
    await stage.seen("webhook", "room_finished")


async def _join(stage: Stage, t_ms: int, identity: str, **grants: Any) -> Client:
    await stage.at(t_ms)
    return await stage.join(identity, "golden-b2", **grants)


async def _refused(stage: Stage, work: Coroutine[Any, Any, Any], until_ms: int) -> None:
    """The client waits ten seconds for an answer that is not a refusal to it; we need not."""
    task = asyncio.create_task(work)
    await stage.at(until_ms)
    await cancel(task)
    assert task.cancelled(), f"published against the grant: {task!r}"


async def _no_publishing(stage: Stage) -> None:
    client = await _join(stage, 103, "nopub", can_publish=False)
    await stage.at(226)
    await _refused(stage, client.publish(), 3400)
    await stage.at(10193)
    await client.me.publish_data("hi", topic="t")
    await stage.at(11199)
    await client.disconnect()


async def _microphone_only(stage: Stage) -> None:
    client = await _join(stage, 11205, "miconly", can_publish_sources=["microphone"])
    await stage.at(11305)
    camera = rtc.LocalVideoTrack.create_video_track("cam", rtc.VideoSource(320, 240))
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    await _refused(stage, client.me.publish_track(camera, options), 12200)
    await stage.at(21299)
    await client.publish()
    await stage.at(22310)
    share = client.publish(source=rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
    await _refused(stage, share, 23000)
    await stage.at(32313)
    await client.disconnect()


async def _no_data(stage: Stage) -> None:
    client = await _join(stage, 32332, "nodata", can_publish_data=False)
    await client.me.publish_data("x", topic="t")
    await client.me.send_text("x", topic="lk.chat")
    await stage.at(39969)
    await client.disconnect()


async def _no_subscribing(stage: Stage) -> None:
    client = await _join(stage, 40050, "nosub", can_subscribe=False)
    await stage.at(42161)
    await client.disconnect()


async def _hidden(stage: Stage) -> None:
    client = await _join(stage, 42168, "hid", hidden=True)
    await stage.at(44278)
    await stage.admin("RoomService/ListParticipants", "golden-b2")
    await client.disconnect()


async def _permission_taken_away(stage: Stage) -> None:
    client = await _join(stage, 44400, "p")  # 0.4 s early: both must be done before the tick
    await client.publish()
    await stage.seen("sdk:p", "local_track_subscribed")
    await stage.at(45103)
    permission = {"can_subscribe": True, "can_publish_data": True}
    await stage.admin(
        "RoomService/UpdateParticipant", "golden-b2", identity="p", permission=permission
    )
    await stage.at(47112)
    await client.disconnect()


async def _expired(stage: Stage) -> None:
    await stage.at(47116)
    claims = {"sub": "short", "iss": KEY, "nbf": int(time.time()), "exp": int(time.time()) + 4}
    video = _GRANTS | {"room": "golden-b2"}
    client = await stage.join("short", "golden-b2", token=_signed(claims | {"video": video}))
    await stage.at(53500)
    stage.skip(5000)  # one step of the counts
    await stage.at(59203)
    await client.disconnect()
