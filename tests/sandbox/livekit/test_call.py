"""Real clients with real media: what a caller hears and an agent reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from livekit import api, rtc
from livekit.protocol import rtc as protocol

from services.sandbox.livekit import DevServer
from shared.runtime.tasks import cancel
from tests.sandbox.livekit.clients import WAIT, Clients, Heard, token
from tests.sandbox.livekit.hook import Hook

RATE = 48000
SAMPLES = RATE // 100


@asynccontextmanager
async def speaking(room: rtc.Room, hertz: float) -> AsyncIterator[rtc.LocalTrackPublication]:
    """Publishes a tone for as long as the block lasts."""
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("mic", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    publication = await room.local_participant.publish_track(track, options)

    async def feed() -> None:
        at = 0
        while True:
            phase = 2 * np.pi * hertz * (at + np.arange(SAMPLES)) / RATE
            samples = (8000 * np.sin(phase)).astype(np.int16)
            await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, SAMPLES))
            at += SAMPLES

    task = asyncio.create_task(feed())
    try:
        yield publication
    finally:
        await cancel(task)
        await source.aclose()


async def pitch(track: rtc.Track) -> float:
    """Loudest frequency in hertz, once half a second of sound has come.

    Silence between is left out: a busy machine feeds its source late.
    """
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
    heard: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
    try:
        async with asyncio.timeout(WAIT):
            async for event in stream:
                samples = np.frombuffer(event.frame.data, dtype=np.int16)
                if np.abs(samples).max() > 1000:
                    heard.append(samples)
                if len(heard) == 60:
                    break
    finally:
        await stream.aclose()
    sound = np.concatenate(heard[10:]).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * RATE / len(sound))


async def test_two_people_hear_each_other(clients: Clients, hook: Hook) -> None:
    """The whole product is two participants who hear each other, each in their own voice."""
    at_alice, at_bob = Heard("track_subscribed"), Heard("track_subscribed")
    alice = await clients.room("alice", prepare=at_alice)
    bob = await clients.room("bob", prepare=at_bob)
    async with speaking(alice, 440) as first, speaking(bob, 1000) as second:
        async with asyncio.timeout(WAIT):
            await first.wait_for_subscription()
            await second.wait_for_subscription()
        heard_by_alice, *_ = await at_alice.until("track_subscribed")
        heard_by_bob, *_ = await at_bob.until("track_subscribed")
        pitches = await asyncio.gather(pitch(heard_by_bob), pitch(heard_by_alice))
    assert pitches == pytest.approx([440, 1000], abs=4)
    event = await hook.until("track_published")
    assert event.track.mime_type == "audio/red"
    assert event.room.empty_timeout == 0


async def test_five_voices_for_a_late_listener(clients: Clients) -> None:
    """A listener with three spare sections would never hear the fourth speaker."""
    speakers = [await clients.room(f"s{number}") for number in range(5)]
    async with (
        speaking(speakers[0], 300),
        speaking(speakers[1], 400),
        speaking(speakers[2], 500),
        speaking(speakers[3], 600),
        speaking(speakers[4], 700),
    ):
        heard = Heard("track_subscribed")
        await clients.room("late", prepare=heard)
        tracks = {}
        for _ in speakers:
            track, _, who = await heard.until("track_subscribed")
            tracks[who.identity] = track
        pitches = await asyncio.gather(*(pitch(tracks[f"s{n}"]) for n in range(5)))
    assert pitches == pytest.approx([300, 400, 500, 600, 700], abs=4)


async def test_unpublishing_and_publishing_again(clients: Clients, hook: Hook) -> None:
    """Somebody who turns the microphone off and on would stay unheard."""
    heard = Heard("track_subscribed", "track_unsubscribed", "track_unpublished")
    alice = await clients.room("alice")
    await clients.room("bob", prepare=heard)
    async with speaking(alice, 440) as publication:
        await heard.until("track_subscribed")
        await alice.local_participant.unpublish_track(publication.sid)
        await heard.until("track_unpublished")
        assert (await hook.until("track_unpublished")).track.sid == publication.sid
    async with speaking(alice, 900):
        track, *_ = await heard.until("track_subscribed")
        assert await pitch(track) == pytest.approx(900, abs=4)


async def test_muting_from_outside(clients: Clients) -> None:
    """A supervisor's mute must be heard as silence, and the speaker must learn of it."""
    heard = Heard("track_muted")
    alice = await clients.room("alice", prepare=heard)
    lk = await clients.api()
    async with speaking(alice, 440) as publication:
        request = api.MuteRoomTrackRequest(
            room="room", identity="alice", track_sid=publication.sid, muted=True
        )
        answer = await lk.room.mute_published_track(request)
        assert answer.track.muted
        await heard.until("track_muted")
        request.muted = False
        with pytest.raises(api.TwirpError) as refused:
            await lk.room.mute_published_track(request)
        assert refused.value.status == 412


async def test_losing_the_right_to_publish(clients: Clients) -> None:
    """A participant who may not speak any more would go on being heard."""
    at_bob = Heard("track_subscribed", "track_unpublished")
    alice = await clients.room("alice")
    await clients.room("bob", prepare=at_bob)
    lk = await clients.api()
    async with speaking(alice, 440):
        await at_bob.until("track_subscribed")
        permission = api.ParticipantPermission(can_subscribe=True, can_publish_data=True)
        info = await lk.room.update_participant(
            api.UpdateParticipantRequest(room="room", identity="alice", permission=permission)
        )
        assert not info.tracks
        assert not info.is_publisher
        await at_bob.until("track_unpublished")


async def test_subscribing_by_hand(clients: Clients) -> None:
    """A recorder that chooses what it hears would hear all or nothing."""
    heard = Heard("track_published", "track_subscribed", "track_unsubscribed")
    alice = await clients.room("alice")
    await clients.room("bob", options=rtc.RoomOptions(auto_subscribe=False), prepare=heard)
    async with speaking(alice, 440):
        publication, _ = await heard.until("track_published")
        publication.set_subscribed(True)
        track, *_ = await heard.until("track_subscribed")
        assert await pitch(track) == pytest.approx(440, abs=4)
        publication.set_subscribed(False)
        await heard.until("track_unsubscribed")


async def test_a_listener_without_the_right(clients: Clients) -> None:
    """canSubscribe false would leak the call."""
    heard = Heard("track_published", "track_subscribed")
    alice = await clients.room("alice")
    await clients.room("deaf", jwt=token("deaf", can_subscribe=False), prepare=heard)
    async with speaking(alice, 440) as publication:
        await heard.until("track_published")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await publication.wait_for_subscription()
    assert "track_subscribed" not in [name for name, _ in heard.events]


async def test_a_publisher_chooses_its_listeners(clients: Clients) -> None:
    """Somebody shut out would go on listening."""
    heard = Heard("track_subscribed")
    alice = await clients.room("alice")
    settings = protocol.ConnectionSettings(auto_subscribe=True)
    join = protocol.JoinRequest(connection_settings=settings)
    shut_out = await clients.signal(token("eve"), join)
    await clients.room("bob", prepare=heard)
    async with speaking(alice, 440):
        await shut_out.until("subscription_permission_update", lambda u: u.allowed)
        track, *_ = await heard.until("track_subscribed")
        bob = rtc.ParticipantTrackPermission(participant_identity="bob", allow_all=True)
        alice.local_participant.set_track_subscription_permissions(
            allow_all_participants=False, participant_permissions=[bob]
        )
        await shut_out.until("subscription_permission_update", lambda u: not u.allowed)
        assert await pitch(track) == pytest.approx(440, abs=4)
        alice.local_participant.set_track_subscription_permissions(
            allow_all_participants=True, participant_permissions=[]
        )
        await shut_out.until("subscription_permission_update", lambda u: u.allowed)


async def test_a_cut_signal_socket_is_resumed(clients: Clients, hook: Hook) -> None:
    """A change of network would end the call; others must not notice it."""
    at_alice, at_bob = Heard("reconnecting", "reconnected"), Heard("track_subscribed")
    alice = await clients.room("alice", prepare=at_alice)
    await clients.room("bob", prepare=at_bob)
    async with speaking(alice, 440):
        track, *_ = await at_bob.until("track_subscribed")
        _cut_socket(clients.server, "alice")
        await at_alice.until("reconnecting")
        await at_alice.until("reconnected")
        assert await pitch(track) == pytest.approx(440, abs=4)
    assert "participant_left" not in hook.names


def _cut_socket(server: DevServer, identity: str) -> None:
    """As a lost network does: no close frame."""
    room = server.rooms.get("room")
    assert room is not None
    outbox = room.participants[identity].outbox
    assert outbox is not None
    transport = outbox._socket._req.transport  # type: ignore[union-attr]
    assert transport is not None
    transport.abort()
