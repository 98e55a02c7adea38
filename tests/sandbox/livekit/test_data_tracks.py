"""Data tracks: sensor readings, captions and the like, as current clients can publish them."""

import asyncio
from typing import Any

import pytest
from livekit import rtc as sdk
from livekit.protocol import rtc

from shared.runtime.tasks import cancel
from tests.sandbox.livekit.clients import WAIT, Clients, Heard, token

Reason = rtc.RequestResponse.Reason


async def _read(stream: sdk.DataTrackStream) -> bytes:
    async with asyncio.timeout(WAIT):
        frame = await stream.read()
    assert frame is not None
    return frame.payload


async def _push_until_read(
    track: sdk.LocalDataTrack, payload: bytes, *streams: sdk.DataTrackStream
) -> list[bytes]:
    """Frames are lossy, and a subscription takes a moment: one of many must arrive."""

    async def push() -> None:
        while True:
            track.try_push(sdk.DataTrackFrame(payload))
            await asyncio.sleep(0.01)  # a frame at a time, as a sensor gives them

    pushing = asyncio.create_task(push())
    try:
        return await asyncio.gather(*(_read(stream) for stream in streams))
    finally:
        await cancel(pushing)


async def test_frames_reach_each_subscriber_under_its_own_handle(clients: Clients) -> None:
    """Readings of one sensor would be taken for another's."""
    at_bob = Heard("data_track_published", "data_track_unpublished")
    alice, carol = await clients.room("alice"), await clients.room("carol")
    await clients.room("bob", prepare=at_bob)
    warm = await alice.local_participant.publish_data_track(name="warm")
    cold = await carol.local_participant.publish_data_track(name="cold")
    remote = {}
    for _ in range(2):
        (track,) = await at_bob.until("data_track_published")
        remote[track.info.name] = track
    assert remote["warm"].publisher_identity == "alice"
    streams = {name: track.subscribe() for name, track in remote.items()}
    assert await _push_until_read(warm, b"30", streams["warm"]) == [b"30"]
    assert await _push_until_read(cold, b"3", streams["cold"]) == [b"3"]
    late = Heard("data_track_published")
    await clients.room("late", prepare=late)
    names = {(await late.until("data_track_published"))[0].info.name for _ in range(2)}
    assert names == {"warm", "cold"}
    for stream in streams.values():
        stream.close()
    await carol.disconnect()
    assert (await at_bob.until("data_track_unpublished"))[0] == remote["cold"].info.sid


@pytest.mark.parametrize(
    ("grants", "request_", "reason"),
    [
        ({"can_publish_data": False}, {"pub_handle": 1, "name": "x"}, Reason.NOT_ALLOWED),
        ({}, {"pub_handle": 0, "name": "x"}, Reason.INVALID_HANDLE),
        ({}, {"pub_handle": 1, "name": ""}, Reason.INVALID_NAME),
        ({}, {"pub_handle": 7, "name": "x"}, Reason.DUPLICATE_HANDLE),
        ({}, {"pub_handle": 8, "name": "taken"}, Reason.DUPLICATE_NAME),
    ],
)
async def test_refusals(
    clients: Clients, grants: dict[str, Any], request_: dict[str, Any], reason: int
) -> None:
    """A client that is refused without a word waits for ever."""
    client = await clients.signal(token("a", **grants))
    taken = rtc.PublishDataTrackRequest(pub_handle=7, name="taken")
    await client.send(publish_data_track_request=taken)
    if not grants:
        await client.until("publish_data_track_response")
    request = rtc.PublishDataTrackRequest(**request_)
    await client.send(publish_data_track_request=request)
    refused = await client.until(
        "request_response", lambda r: r.publish_data_track.name == request.name
    )
    assert refused.reason == reason


async def test_unpublishing(clients: Clients) -> None:
    """The name could never be used again."""
    client = await clients.signal(token("a"))
    request = rtc.PublishDataTrackRequest(pub_handle=7, name="n")
    await client.send(publish_data_track_request=request)
    first = (await client.until("publish_data_track_response")).info
    await client.send(unpublish_data_track_request=rtc.UnpublishDataTrackRequest(pub_handle=7))
    assert (await client.until("unpublish_data_track_response")).info.sid == first.sid
    await client.send(unpublish_data_track_request=rtc.UnpublishDataTrackRequest(pub_handle=7))
    assert (await client.until("request_response")).reason == Reason.NOT_FOUND
    await client.send(publish_data_track_request=request)
    assert (await client.until("publish_data_track_response")).info.sid != first.sid
