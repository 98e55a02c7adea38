"""A participant by the real Python client, whose events become lines of the trace."""

import asyncio
import math
from array import array
from collections.abc import Callable, Coroutine
from typing import Any

from livekit import rtc

from shared.runtime.tasks import cancel
from tests.sandbox.livekit.conformance.trace import Trace

_RATE = 48000
_FRAME = _RATE // 20
_LOUD = 1000  # of 32768; the tone has 8000


class Client:
    """One `rtc.Room`. `label` names its lines: sdk:LABEL."""

    def __init__(self, trace: Trace, label: str) -> None:
        self.room = rtc.Room()
        self._trace = trace
        self._channel = f"sdk:{label}"
        self._tasks: set[asyncio.Task[None]] = set()
        self._publications: list[rtc.LocalTrackPublication] = []
        self._listen()

    @property
    def me(self) -> rtc.LocalParticipant:
        return self.room.local_participant

    async def connect(self, url: str, token: str) -> None:
        """Raises rtc.ConnectError, after noting it."""
        try:
            await self.room.connect(url, token)
        except rtc.ConnectError as error:
            self.see("connect_failed", {"error": str(error)})
            raise
        self.see("connect_returned", {"sid": self.me.sid})

    async def disconnect(self) -> None:
        await cancel(*self._tasks)
        await self.room.disconnect()

    def see(self, kind: str, body: Any = None) -> None:
        self._trace.see(self._channel, "", kind, body)

    # Media.

    async def publish(
        self,
        name: str = "mic",
        source: "rtc.TrackSource.ValueType" = rtc.TrackSource.SOURCE_MICROPHONE,
    ) -> rtc.LocalTrackPublication:
        """A tone of 440 Hz until `silence` or the end."""
        audio = rtc.AudioSource(_RATE, 1, queue_size_ms=200)
        track = rtc.LocalAudioTrack.create_audio_track(name, audio)
        publication = await self.me.publish_track(track, rtc.TrackPublishOptions(source=source))
        self._publications.append(publication)
        self.spawn(_tone(audio))
        return publication

    def mute(self) -> None:
        """The track published last."""
        self._track().mute()

    def unmute(self) -> None:
        self._track().unmute()

    def _track(self) -> rtc.LocalAudioTrack:
        track = self._publications[-1].track
        assert isinstance(track, rtc.LocalAudioTrack)
        return track

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen_for_sound(self, track: rtc.Track, who: str) -> None:
        stream = rtc.AudioStream(track, sample_rate=_RATE, num_channels=1)
        try:
            async for event in stream:
                if max(event.frame.data, default=0) > _LOUD:
                    self.see("first_loud_audio", who)
                    return
        finally:
            await stream.aclose()

    # Events.

    def _listen(self) -> None:
        handlers: dict[str, Callable[..., Any]] = {
            "participant_connected": lambda p: {
                "identity": p.identity,
                "kind": p.kind,
                "attributes": dict(p.attributes),
            },
            "participant_disconnected": lambda p: {
                "identity": p.identity,
                "reason": _reason(p.disconnect_reason),
            },
            "local_track_published": lambda publication, _: publication.sid,
            "local_track_subscribed": lambda _: None,
            "track_published": lambda publication, p: [publication.sid, p.identity, False],
            "track_unpublished": lambda publication, p: [publication.sid, p.identity],
            "track_unsubscribed": lambda _, publication, p: [publication.sid, p.identity],
            "track_muted": lambda p, publication: [p.identity, publication.sid],
            "track_unmuted": lambda p, publication: [p.identity, publication.sid],
            "room_metadata_changed": lambda old, new: [old, new],
            "participant_metadata_changed": lambda p, old, new: [p.identity, old, new],
            "participant_name_changed": lambda p, old, new: [p.identity, old, new],
            "participant_attributes_changed": lambda changed, p: [dict(changed), p.identity],
            "data_received": _data,
            "connection_quality_changed": lambda p, quality: [p.identity, quality],
            "active_speakers_changed": lambda speakers: [p.identity for p in speakers],
            "reconnecting": lambda: None,
            "reconnected": lambda: None,
            "disconnected": _reason,
        }
        for kind, describe in handlers.items():
            self.room.on(kind, self._noting(kind, describe))  # type: ignore[arg-type]
        self.room.on("track_subscribed", self._on_subscribed)
        for topic in ("lk.transcription", "lk.chat"):
            self.room.register_text_stream_handler(topic, self._on_text)

    def _noting(self, kind: str, describe: Callable[..., Any]) -> Callable[..., None]:
        return lambda *values: self.see(kind, describe(*values))

    def _on_subscribed(
        self,
        track: rtc.RemoteTrack,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        self.see("track_subscribed", [publication.sid, participant.identity])
        self.spawn(self._listen_for_sound(track, participant.identity))

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        self.spawn(self._read_text(reader, identity))

    async def _read_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        text = await reader.read_all()
        self.see(
            "text_stream",
            {
                "topic": reader.info.topic,
                "from": identity,
                "len": len(text),
                "text": text[:60],
                "attributes": dict(reader.info.attributes or {}),
            },
        )


def _reason(reason: Any) -> str | None:
    return None if reason is None else rtc.DisconnectReason.Name(reason)


def _data(packet: rtc.DataPacket) -> dict[str, Any]:
    return {
        "data": packet.data.decode(),
        "topic": packet.topic or "",
        "kind": packet.kind,
        "from": packet.participant.identity if packet.participant else None,
    }


async def _tone(source: rtc.AudioSource) -> None:
    wave = array(
        "h", (round(8000 * math.sin(2 * math.pi * 440 * i / _RATE)) for i in range(_FRAME))
    )
    frame = rtc.AudioFrame(wave.tobytes(), _RATE, 1, _FRAME)
    while True:  # 440 Hz fits 22 times into 50 ms, so the frames join without a click
        await source.capture_frame(frame)
